//! HTTP: every route on one screen.
//!
//! In: requests. Out: answers of the contract (`/api/v1/openapi.json`), the pages, the live stream.
//! Every request passes [`front`]; handlers ask the desk, telemetry and history and word what they
//! say. Deliberately not here: decisions about bookings (desk), machine state (telemetry), SQL.

pub mod agent_toml;
pub mod agents;
pub mod answer;
pub mod attempts;
pub mod availability;
pub mod board;
pub mod body;
pub mod booking_list;
pub mod bookings;
pub mod caller;
pub mod catalogue;
pub mod frame;
pub mod front;
pub mod health;
pub mod instrument_edit;
pub mod instruments;
pub mod keeper;
pub mod listen;
pub mod live;
pub mod login;
pub mod metrics;
pub mod openapi;
pub mod outages;
pub mod pace;
pub mod page;
pub mod path;
pub mod policy;
pub mod problem;
pub mod readings;
pub mod seats;
pub mod source;
pub mod state;
pub mod status;
#[cfg(test)]
mod tests;
pub mod texts;
pub mod time;
pub mod tokens;
pub mod ui;
pub mod utilisation;
pub mod view;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use openapi::document;
pub use state::{HttpState, Rooms, Site};

/// Bytes of a request's body; more is `too-large`.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The API.
#[expect(
    clippy::cognitive_complexity,
    reason = "a list; the macros count as branches"
)]
fn api() -> OpenApiRouter<HttpState> {
    OpenApiRouter::with_openapi(openapi::head())
        // The process.
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        // People.
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::me))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        // Instruments.
        .routes(routes!(instruments::list, instrument_edit::create))
        .routes(routes!(instruments::index))
        .routes(routes!(
            instruments::detail,
            instrument_edit::edit,
            instrument_edit::remove
        ))
        .routes(routes!(instruments::nodes))
        .routes(routes!(status::status))
        // Settings.
        .routes(routes!(policy::of_instrument, policy::set_of_instrument))
        .routes(routes!(policy::of_node, policy::set_of_node))
        .routes(routes!(source::source, source::set_source))
        .routes(routes!(source::state_rule, source::set_state_rule))
        .routes(routes!(agents::list, agents::create))
        .routes(routes!(agents::revoke))
        // Free time and bookings.
        .routes(routes!(availability::availability))
        .routes(routes!(availability::grid))
        .routes(routes!(booking_list::list, bookings::book))
        .routes(routes!(bookings::read, bookings::change, bookings::cancel))
        .routes(routes!(outages::list, outages::open))
        .routes(routes!(outages::end))
        // Telemetry.
        .routes(routes!(readings::readings))
        .routes(routes!(readings::states))
        .routes(routes!(live::live))
        .routes(routes!(utilisation::utilisation))
}

/// Returns everything that is served to people and programs.
pub fn router(state: HttpState) -> Router {
    let (api, _) = api().split_for_parts();
    api.route("/api/v1/openapi.json", get(openapi::openapi))
        .merge(openapi::docs())
        .route("/problems/{slug}", get(ui::problem_page))
        .fallback(ui::fallback)
        .method_not_allowed_fallback(front::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(state.clone(), front::front))
        .with_state(state)
}

/// Serves the API and the pages until a stop is asked for; running requests have 10 s to end.
pub async fn serve(listener: TcpListener, state: HttpState, stop: CancellationToken) {
    listen::run(listener, router(state), stop).await;
}

/// Serves the counters until a stop is asked for.
pub async fn serve_metrics(listener: TcpListener, state: HttpState, stop: CancellationToken) {
    let router = Router::new()
        .route("/metrics", get(metrics::metrics))
        .with_state(state);
    listen::run(listener, router, stop).await;
}
