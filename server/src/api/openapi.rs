//! The OpenAPI document: handlers describe themselves, adapters' settings describe theirs.

use axum::Json;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApiBuilder, RefOr, SecurityRequirement};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::Shared;
use super::problem::Problem;
use crate::adapters::{Item, ListenerConfig, OutputConfig, SourceConfig};
use crate::auth::SESSION_COOKIE;
use crate::config::Document;

const DESCRIPTION: &str = "Everything Tidegate does can be done through this API. Log in with \
    `POST /api/v1/session` and send `X-Tidegate-Csrf: 1` with writes, or send the token of \
    `TIDEGATE_API_TOKEN` as `Authorization: Bearer …`. Errors are `application/problem+json` \
    and say what to do.";

/// An empty router with what the document says of the API as a whole.
pub(super) fn base() -> OpenApiRouter<Shared> {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let cookie = ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE));
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("session", SecurityScheme::ApiKey(cookie))
        .build();
    let none: [&str; 0] = [];
    let document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Tidegate")
                .version("1")
                .description(Some(DESCRIPTION))
                .build(),
        )
        .components(Some(components))
        .security(Some([
            SecurityRequirement::new("bearer", none),
            SecurityRequirement::new("session", none),
        ]))
        .build();
    OpenApiRouter::with_openapi(document)
}

/// The OpenAPI document of this program.
#[must_use]
pub fn document() -> Value {
    let (_, openapi) = super::parts();
    // The document is plain data with text keys, which JSON always can hold.
    let mut document = serde_json::to_value(openapi).expect("an OpenAPI document is JSON");
    add_settings(&mut document);
    plain_paths(&mut document);
    document
}

/// Replaces the placeholders of configuration types by their JSON schemas.
fn add_settings(document: &mut Value) {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<Document>();
    generator.subschema_for::<ListenerConfig>();
    generator.subschema_for::<SourceConfig>();
    generator.subschema_for::<OutputConfig>();
    generator.subschema_for::<tidegate_platforms::Platform>();
    let mut definitions = Value::Object(generator.take_definitions(true));
    name_after_adapters::<ListenerConfig>(&mut definitions);
    name_after_adapters::<SourceConfig>(&mut definitions);
    name_after_adapters::<OutputConfig>(&mut definitions);
    let (Some(Value::Object(schemas)), Value::Object(definitions)) =
        (document.pointer_mut("/components/schemas"), definitions)
    else {
        return;
    };
    schemas.extend(definitions);
}

/// Every adapter calls its settings `OutputSettings`; here they are `SrtOutput`, `HlsOutput`.
fn name_after_adapters<T: Item>(definitions: &mut Value) {
    for kind in T::KINDS {
        let config = capital(T::WHAT) + "Config";
        let at = format!("/{config}/properties/{kind}/anyOf/0/$ref");
        let Some(reference) = definitions.pointer(&at).and_then(Value::as_str) else {
            continue;
        };
        let old = reference.rsplit('/').next().unwrap_or_default().to_owned();
        let new = capital(kind) + &capital(T::WHAT);
        if let Value::Object(fields) = &mut *definitions
            && let Some(definition) = fields.remove(&old)
        {
            fields.insert(new.clone(), definition);
        }
        if let Some(reference) = definitions.pointer_mut(&at) {
            *reference = format!("#/components/schemas/{new}").into();
        }
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// A path that takes the rest of the address is written `{*path}` in routes only.
fn plain_paths(document: &mut Value) {
    let Some(Value::Object(paths)) = document.get_mut("paths") else {
        return;
    };
    let plain: Map<String, Value> = std::mem::take(paths)
        .into_iter()
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
    *paths = plain;
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "system",
    responses((status = 200, body = Object), (status = 401, body = Problem)))]
pub(super) async fn openapi() -> Json<Value> {
    Json(document())
}

macro_rules! described_by_settings {
    ($($Config:ty: $name:literal),*) => {$(
        impl PartialSchema for $Config {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().build().into()
            }
        }

        impl ToSchema for $Config {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }
    )*};
}

described_by_settings!(
    ListenerConfig: "ListenerConfig",
    SourceConfig: "SourceConfig",
    OutputConfig: "OutputConfig",
    Document: "Document"
);

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

    #[test]
    fn the_committed_document_is_what_the_code_says() {
        let mut current = serde_json::to_string_pretty(&document()).unwrap();
        current.push('\n');
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(FILE, &current).unwrap();
        }
        let committed = std::fs::read_to_string(FILE).unwrap_or_default();
        assert!(
            committed == current,
            "server/openapi.json is out of date: run the tests with UPDATE_OPENAPI=1"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) => {
                    if let Some(Value::String(reference)) = fields.get("$ref") {
                        found.push(reference.clone());
                    }
                    fields.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = document();
        let mut seen = std::collections::BTreeSet::new();
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let Some(id) = operation.get("operationId") else {
                    continue;
                };
                assert!(seen.insert(id.to_string()), "{id}");
            }
        }
        assert!(seen.len() > 20);
    }
}
