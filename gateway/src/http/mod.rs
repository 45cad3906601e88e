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
pub mod booking_acts;
pub mod booking_list;
pub mod booking_make;
pub mod booking_request;
pub mod bookings;
pub mod bundles;
pub mod caller;
pub mod catalogue;
pub mod checking;
pub mod details;
pub mod device_profiles;
pub mod edge_nodes;
pub mod frame;
pub mod front;
pub mod health;
pub mod holds;
pub mod idempotency;
pub mod instrument_edit;
pub mod instruments;
pub mod keeper;
pub mod line_protocol;
pub mod listen;
pub mod live;
pub mod login;
pub mod mappings;
pub mod members;
pub mod metrics;
pub mod notices;
pub mod occupied;
pub mod openapi;
pub mod outage_choices;
pub mod outages;
pub mod pace;
pub mod page;
#[cfg(feature = "parquet")]
mod parquet;
pub mod password;
pub mod path;
pub mod penalties;
pub mod people;
pub mod photo;
pub mod place;
pub mod policy;
pub mod policy_effective;
pub mod policy_trial;
pub mod pool;
pub mod problem;
pub mod projects;
pub mod qualifications;
pub mod questions;
pub mod readings;
mod readings_pieces;
pub mod readings_table;
pub mod reports;
pub mod run_settle;
pub mod runs;
pub mod seats;
pub mod series;
pub mod series_list;
pub mod source;
pub mod source_test;
pub mod sources;
pub mod state;
pub mod state_learned;
pub mod state_preview;
pub mod state_rerun;
pub mod state_rule;
pub mod states;
pub mod status;
#[cfg(test)]
mod tests;
pub mod texts;
pub mod time;
pub mod tokens;
pub mod tree;
pub mod ui;
pub mod unknown_devices;
pub mod utilisation;
pub mod view;
pub mod waitlist;
pub mod write_readings;

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

/// Free time and bookings.
#[expect(
    clippy::cognitive_complexity,
    reason = "a list; the macros count as branches"
)]
fn booking_routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(availability::availability))
        .routes(routes!(availability::grid))
        .routes(routes!(pool::pool))
        .routes(routes!(booking_list::list, booking_make::book))
        .routes(routes!(bookings::read, bookings::change, bookings::cancel))
        .routes(routes!(checking::check_in))
        .routes(routes!(checking::check_out))
        .routes(routes!(checking::label))
        .routes(routes!(booking_acts::approve))
        .routes(routes!(booking_acts::decline))
        .routes(routes!(booking_acts::transfer))
        .routes(routes!(booking_acts::last_booking))
        .routes(routes!(holds::list, holds::place))
        .routes(routes!(holds::let_go))
        .routes(routes!(holds::restore))
        .routes(routes!(waitlist::list, waitlist::join))
        .routes(routes!(waitlist::withdraw))
        .routes(routes!(waitlist::accept))
        .routes(routes!(waitlist::decline))
        .routes(routes!(waitlist::of_instrument))
        .routes(routes!(bundles::book))
        .routes(routes!(series_list::list, series::book))
        .routes(routes!(series::read, series::end))
        .routes(routes!(outages::list, outages::open))
        .routes(routes!(outages::end, outages::move_end))
        .routes(routes!(penalties::list))
        .routes(routes!(penalties::appeal))
        .routes(routes!(penalties::decide))
}

/// Devices of other makers.
fn foreign_routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(sources::list, sources::create))
        .routes(routes!(sources::revoke))
        .routes(routes!(source_test::test))
        .routes(routes!(mappings::list, mappings::create))
        .routes(routes!(mappings::read, mappings::replace, mappings::remove))
        .routes(routes!(unknown_devices::list))
        .routes(routes!(edge_nodes::list))
        .routes(routes!(device_profiles::list))
        .routes(routes!(unknown_devices::adopt))
        .routes(routes!(write_readings::keep))
}

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
        .routes(routes!(password::change))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(members::find, people::create))
        .routes(routes!(people::read, people::edit))
        .routes(routes!(people::list))
        .routes(routes!(notices::list))
        .routes(routes!(notices::seen))
        // Instruments.
        .routes(routes!(instruments::list, instrument_edit::create))
        .routes(routes!(instruments::index))
        .routes(routes!(
            instruments::detail,
            instrument_edit::edit,
            instrument_edit::remove
        ))
        .routes(routes!(tree::nodes, tree::create))
        .routes(routes!(tree::edit))
        .routes(routes!(status::status))
        // Settings.
        .routes(routes!(policy::of_instrument, policy::set_of_instrument))
        .routes(routes!(policy::of_node, policy::set_of_node))
        .routes(routes!(
            questions::of_instrument,
            questions::set_of_instrument
        ))
        .routes(routes!(questions::of_node, questions::set_of_node))
        .routes(routes!(policy_effective::effective))
        .routes(routes!(policy_effective::below_node))
        .routes(routes!(source::source, source::set_source))
        .routes(routes!(state_rule::state_rule, state_rule::set_state_rule))
        .routes(routes!(state_learned::learned))
        .routes(routes!(state_preview::preview))
        .routes(routes!(state_rerun::list, state_rerun::ask))
        .routes(routes!(agents::list, agents::create))
        .routes(routes!(agents::revoke))
        .merge(foreign_routes())
        .merge(booking_routes())
        // Projects and qualifications.
        .routes(routes!(projects::list, projects::create))
        .routes(routes!(projects::read, projects::edit))
        .routes(routes!(qualifications::list, qualifications::grant))
        .routes(routes!(qualifications::revoke))
        // Problems.
        .routes(routes!(reports::list, reports::report))
        .routes(routes!(reports::read, reports::edit))
        .routes(routes!(reports::photo))
        // Telemetry.
        .routes(routes!(readings::readings))
        .routes(routes!(states::states))
        .routes(routes!(runs::of_instrument))
        .routes(routes!(runs::list, run_settle::declare))
        .routes(routes!(runs::read, run_settle::settle))
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
