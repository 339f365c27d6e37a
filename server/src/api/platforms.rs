//! The platforms that outputs can name.

use axum::Json;
use tidegate_platforms::Platform;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Problem;

/// A platform, described by its own schema.
pub(super) struct PlatformView;

impl PartialSchema for PlatformView {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().build().into()
    }
}

impl ToSchema for PlatformView {
    fn name() -> std::borrow::Cow<'static, str> {
        "Platform".into()
    }
}

/// Where live platforms take streams, what they take, and how much of that is sure.
#[utoipa::path(get, path = "/api/v1/platforms", tag = "output", operation_id = "list_platforms",
    responses((status = 200, body = Vec<PlatformView>), (status = 401, body = Problem)))]
pub(super) async fn list() -> Json<&'static [Platform]> {
    Json(tidegate_platforms::all())
}
