//! A strict writer of ADF 1.0 for tests: elements in the order of the specification, everything escaped.

/// What varies between test documents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doc<'a> {
    pub(crate) id: &'a str,
    pub(crate) status: &'a str,
    pub(crate) model: &'a str,
    pub(crate) first: &'a str,
    pub(crate) last: &'a str,
    pub(crate) phone: &'a str,
}

impl Default for Doc<'_> {
    fn default() -> Self {
        Self { id: "L-1", status: "new", model: "Accord", first: "Dana", last: "Reyes", phone: "312-555-0142" }
    }
}

/// A document with these prospects.
pub(crate) fn adf(prospects: &[Doc<'_>]) -> String {
    let prospects: String = prospects.iter().map(prospect).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<?adf version=\"1.0\"?>\n<adf>\n{prospects}</adf>\n")
}

fn prospect(doc: &Doc<'_>) -> String {
    format!(
        "<prospect status=\"{}\">\n<id sequence=\"1\" source=\"CarFinder\">{}</id>\n\
         <requestdate>2026-03-30T15:30:20-05:00</requestdate>\n\
         <vehicle interest=\"buy\" status=\"used\">\n<year>2003</year>\n<make>Honda</make>\n<model>{}</model>\n\
         <vin>1HGCM82633A004352</vin>\n</vehicle>\n\
         <customer>\n<contact>\n<name part=\"first\">{}</name>\n<name part=\"last\">{}</name>\n\
         <phone type=\"voice\">{}</phone>\n</contact>\n</customer>\n\
         <vendor>\n<id source=\"CarFinder\">MS-01</id>\n<vendorname>Main Street Motors</vendorname>\n\
         <contact>\n<name part=\"full\">Sales</name>\n</contact>\n</vendor>\n\
         <provider>\n<name part=\"full\">CarFinder</name>\n</provider>\n</prospect>\n",
        escape(doc.status),
        escape(doc.id),
        escape(doc.model),
        escape(doc.first),
        escape(doc.last),
        escape(doc.phone),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
