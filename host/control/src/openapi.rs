//! Builds the OpenAPI document of the control API from the operations and their types.

use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref, RefOr,
    Required, ResponseBuilder,
};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::operation::{Media, Method, Nothing, Operation};
use crate::problem::{self, Problem};
use crate::{
    audit, dead_letters, events, gates, hooks, host, incidents, installations, outbox, registry, shadow, timers, trust,
};

/// The whole document.
#[must_use]
pub fn document(version: &str) -> OpenApi {
    let mut document = Document::default();
    document
        .add(&host::status::SHOW)
        .add(&host::status::METRICS)
        .add(&host::logs::LIST)
        .add(&host::backup::BACK_UP)
        .add(&installations::LIST)
        .add(&installations::install::INSTALL)
        .add(&installations::SHOW)
        .add(&installations::SETTINGS)
        .add(&installations::history::SHOW)
        .add(&installations::upgrade::UPGRADE)
        .add(&installations::rollback::ROLLBACK)
        .add(&installations::many::UPGRADE)
        .add(&installations::many::ROLLBACK)
        .add(&installations::RETRY_NOW)
        .add(&installations::PAUSE)
        .add(&installations::RESUME)
        .add(&installations::uninstall::UNINSTALL)
        .add(&installations::lock::LOCK)
        .add(&installations::lock::APPLY)
        .add(&shadow::RUN)
        .add(&shadow::REPLAY)
        .add(&events::LIST)
        .add(&events::SHOW)
        .add(&events::TRACE)
        .add(&events::find::FIND)
        .add(&events::send::SEND)
        .add(&gates::LIST)
        .add(&gates::OPEN)
        .add(&hooks::LIST)
        .add(&hooks::SHOW)
        .add(&hooks::SEND)
        .add(&dead_letters::LIST)
        .add(&dead_letters::CAUSES)
        .add(&dead_letters::REDRIVE)
        .add(&dead_letters::DISCARD)
        .add(&dead_letters::SET_ASIDE)
        .add(&timers::LIST)
        .add(&timers::FIRE)
        .add(&outbox::LIST)
        .add(&outbox::SHOW)
        .add(&outbox::RELEASE)
        .add(&outbox::DISCARD)
        .add(&incidents::LIST)
        .add(&incidents::CLOSE)
        .add(&audit::LIST)
        .add(&audit::VERIFY)
        .add(&registry::packages::PUT)
        .add(&registry::PULL)
        .add(&registry::failure_counts::LIST)
        .add(&registry::failure_counts::SEND)
        .add(&trust::LIST)
        .add(&trust::CHANGE);
    document.schema::<Problem>();
    let info = InfoBuilder::new()
        .title("Handoff control API")
        .description(Some(
            "Steers a Handoff host. Times are RFC 3339 in UTC; durations end in `Ms`, sizes in `Bytes`; absent values are left \
             out. Requests refuse unknown fields; answers may gain fields. Every error is problem details (RFC 9457).",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0 OR MIT").build()))
        .version(version);
    OpenApiBuilder::new()
        .info(info.build())
        .paths(document.paths.build())
        .components(Some(document.components.build()))
        .build()
}

#[derive(Default)]
struct Document {
    paths: PathsBuilder,
    components: ComponentsBuilder,
}

impl Document {
    fn add<Q: IntoParams, B: ToSchema, A: ToSchema>(&mut self, operation: &Operation<Q, B, A>) -> &mut Self {
        let noun =
            operation.path.trim_start_matches("/v1").trim_start_matches('/').split('/').next().unwrap_or_default();
        let mut built = OperationBuilder::new()
            .operation_id(Some(operation.name))
            .summary(Some(operation.summary))
            .tag(noun)
            .extensions(Some(Extensions::builder().add("x-works-offline", operation.works_offline).build()));
        for name in operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            built = built.parameter(path_parameter(name));
        }
        for parameter in Q::into_params(|| Some(ParameterIn::Query)) {
            built = built.parameter(parameter);
        }
        if let Some(schema) = self.content::<B>(operation.body) {
            let content = ContentBuilder::new().schema(Some(schema)).build();
            let body = RequestBodyBuilder::new().content(operation.body.name(), content).required(Some(Required::True));
            built = built.request_body(Some(body.build()));
        }
        let mut answer = ResponseBuilder::new().description("Done");
        if let Some(schema) = self.content::<A>(operation.answer) {
            answer = answer.content(operation.answer.name(), ContentBuilder::new().schema(Some(schema)).build());
        }
        built = built.response("200", answer.build());
        if operation.body == Media::Wasm {
            built = built.response("201", ResponseBuilder::new().description("Done, and it was new").build());
        }
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
        let refused = ResponseBuilder::new()
            .description("Not done; the problem says why")
            .content(problem::CONTENT_TYPE, problem);
        built = built.response("default", refused.build());
        let method = match operation.method {
            Method::Get => HttpMethod::Get,
            Method::Post => HttpMethod::Post,
            Method::Put => HttpMethod::Put,
        };
        let paths = std::mem::take(&mut self.paths);
        self.paths = paths.path(operation.path, PathItem::new(method, built.build()));
        self
    }

    /// The schema of a request or response body. `None` for [`Nothing`].
    fn content<T: ToSchema>(&mut self, media: Media) -> Option<RefOr<Schema>> {
        if T::name() == Nothing::name() {
            return None;
        }
        match media {
            Media::Json | Media::JsonLines => Some(self.schema::<T>()),
            Media::Wasm | Media::Text => {
                let text = ObjectBuilder::new().schema_type(Type::String).content_media_type(media.name());
                Some(text.build().into())
            }
        }
    }

    /// Adds a type and all types that it refers to.
    fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        let components = std::mem::take(&mut self.components);
        self.components = components.schemas_from_iter(schemas);
        Ref::from_schema_name(T::name()).into()
    }
}

fn path_parameter(name: &str) -> Parameter {
    let is_number = name == "position";
    let schema = ObjectBuilder::new().schema_type(if is_number { Type::Integer } else { Type::String });
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(schema.build()))
        .build()
}

impl IntoParams for Nothing {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

impl PartialSchema for Nothing {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().build().into()
    }
}

impl ToSchema for Nothing {}
