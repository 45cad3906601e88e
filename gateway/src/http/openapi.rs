//! The API's own description (OpenAPI 3.1), made from the code, and a page to browse it.

use std::sync::OnceLock;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, SecurityRequirement};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::answer::{JSON, either, gzip, is_known};
use super::caller::SESSION_COOKIE;
use super::frame::{ClaimsChanged, ReadingsNow, StatusChanges};
use super::live::{Hello, Skipped};
use super::problem::ProblemBody;

/// Where the description is.
const ADDRESS: &str = "/api/v1/openapi.json";

/// The browser's own scripts and pictures, and the inline styles it makes.
const DOCS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
);

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Ortoo 仪驿",
        description = "Shared instruments: what they are, what they do, when they can be had.\n\n\
            Times are RFC 3339 with an offset, durations ISO 8601. Errors are problem documents \
            (RFC 9457); `Accept-Language` chooses Chinese (default) or English. Lists take `limit` \
            and `cursor`.",
    ),
    tags(
        (name = "people", description = "Signing in, tokens"),
        (name = "instruments", description = "What there is, and its status"),
        (name = "bookings", description = "Free time, bookings, outages"),
        (name = "projects", description = "Projects, qualifications"),
        (name = "problems", description = "Problems that people report"),
        (name = "telemetry", description = "Readings, states, the live stream, use"),
        (name = "settings", description = "Rules, sources, agents"),
        (name = "process", description = "Whether the gateway works"),
    ),
    components(schemas(ProblemBody, Hello, Skipped, StatusChanges, ClaimsChanged, ReadingsNow))
)]
struct Head;

/// Returns the description's head, to which the routes add themselves.
pub(super) fn head() -> OpenApi {
    <Head as utoipa::OpenApi>::openapi()
}

/// Returns every address of the API.
#[must_use]
pub fn routes() -> Vec<String> {
    document().paths.paths.keys().cloned().collect()
}

/// Returns the whole description.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = super::api().into_openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE)));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    components.add_security_scheme("session", session);
    let none: [String; 0] = [];
    document.security = Some(vec![
        SecurityRequirement::default(),
        SecurityRequirement::new("token", none.clone()),
        SecurityRequirement::new("session", none),
    ]);
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let otherwise = ResponseBuilder::new()
        .description("A problem")
        .content("application/problem+json", problem)
        .build();
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            let answers = &mut operation.responses.responses;
            answers.insert("default".to_owned(), RefOr::T(otherwise.clone()));
        }
    }
    document
}

struct Written {
    plain: Bytes,
    packed: Bytes,
    etag: HeaderValue,
}

/// Written once: the code does not change while it runs.
fn written() -> &'static Written {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let text = document().to_json().expect("a description has string keys");
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        let etag = format!("\"{}\"", digest.get(..16).unwrap_or(&digest));
        Written {
            packed: gzip(text.as_bytes()),
            plain: text.into(),
            etag: HeaderValue::from_str(&etag).expect("hexadecimal digits are a header value"),
        }
    })
}

/// Returns the description.
pub(super) async fn openapi(headers: HeaderMap) -> Response {
    let written = written();
    let is_same = written
        .etag
        .to_str()
        .is_ok_and(|etag| is_known(&headers, etag));
    let mut response = if is_same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let packed = Some(written.packed.clone());
        either(&headers, JSON, written.plain.clone(), packed)
    };
    let own = response.headers_mut();
    own.insert(header::ETAG, written.etag.clone());
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Returns the page to browse the description with; its files are in the program.
pub fn docs<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let browser = SwaggerUi::new("/api/docs").config(Config::from(ADDRESS));
    let policy = SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, DOCS_POLICY);
    Router::from(browser).layer(policy)
}
