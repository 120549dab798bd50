//! Components with all sections that package readers inspect, written byte by byte: no compiler is needed.

use handoff_package::Manifest;
use handoff_package::package::stamp;
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentTypeRef,
    ComponentTypeSection, CustomSection, InstanceType, MemorySection, MemoryType, Module, ModuleSection,
    NestedComponentSection, RefType, TableSection, TableType,
};

use crate::Seeds;

const MANIFEST: &str = include_str!("../../../../../connectors/adf-leads/connector.toml");
const SCHEMA: &str = include_str!("../../../../../connectors/adf-leads/config.schema.json");

pub(crate) fn write(seeds: &Seeds) {
    let manifest = Manifest::from_toml_with(MANIFEST, |_| Ok(SCHEMA.to_owned())).expect("a manifest");
    let interface = "handoff:connector@1.0.0";
    let mut nested = Component::new();
    nested.section(&ModuleSection(&module()));
    nested.section(&NestedComponentSection(&connector()));
    for (name, component) in [("empty", Component::new()), ("connector", connector()), ("nested", nested)] {
        let bytes = component.finish();
        seeds.add("package", name, &bytes);
        seeds.add("package", &format!("{name}-stamped"), &stamp(&bytes, &manifest, interface).expect("stamped"));
    }
    seeds.add("package", "module", &module().finish());
}

fn module() -> Module {
    let mut module = Module::new();
    let mut tables = TableSection::new();
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 4,
        maximum: Some(9),
        shared: false,
    });
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 17, maximum: None, memory64: false, shared: false, page_size_log2: None });
    module
        .section(&tables)
        .section(&memories)
        .section(&CustomSection { name: "producers".into(), data: [0][..].into() });
    module
}

/// Imports and exports like a connector's; their content is not inspected.
fn connector() -> Component {
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    component.section(&types);
    let mut imports = ComponentImportSection::new();
    imports.import("handoff:connector/state@1.0.0", ComponentTypeRef::Instance(0));
    imports.import("handoff:connector/outbox@1.0.0", ComponentTypeRef::Instance(0));
    component.section(&imports);
    component.section(&ModuleSection(&module()));
    let mut exports = ComponentExportSection::new();
    exports.export("handoff:connector/handler@1.0.0", ComponentExportKind::Instance, 0, None);
    exports.export("handoff:connector/lifecycle@1.0.0", ComponentExportKind::Instance, 1, None);
    component.section(&exports);
    component
}
