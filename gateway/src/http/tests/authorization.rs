//! Every route for every role: what each is answered. A route of the API without a row fails.

mod foreign;
mod goes_with;
mod runs;
mod settings;
mod waiting;

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use super::world::{LAB, PASSWORD};
use super::{Place, Who, at};
use crate::http::document;

/// A request and the statuses for [`Who::TABLE`]: nobody, researcher, manager, neighbour's manager,
/// centre administrator, region administrator, auditor. `{n}` in path and body is the column.
struct Row {
    method: Method,
    /// As in the description.
    route: &'static str,
    path: &'static str,
    body: Option<Value>,
    expected: [u16; 7],
}

fn row(method: Method, route: &'static str, path: &'static str, expected: [u16; 7]) -> Row {
    Row {
        method,
        route,
        path,
        body: None,
        expected,
    }
}

fn with(row: Row, body: Value) -> Row {
    Row {
        body: Some(body),
        ..row
    }
}

const PUBLIC: [u16; 7] = [200; 7];
/// Those who are signed in.
const KNOWN: [u16; 7] = [401, 200, 200, 200, 200, 200, 200];

const BY_KEY: &str = "/api/v1/instruments/{key}";

#[expect(clippy::too_many_lines, reason = "a table")]
fn reading() -> Vec<Row> {
    let get = |route, path, expected| row(Method::GET, route, path, expected);
    let plain = |route, expected| get(route, route, expected);
    let window = "/api/v1/instruments/A-1/states?from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z";
    vec![
        plain("/healthz", PUBLIC),
        plain("/readyz", PUBLIC),
        plain("/api/v1/me", KNOWN),
        plain("/api/v1/tokens", KNOWN),
        plain("/api/v1/instruments", PUBLIC),
        plain("/api/v1/instruments/index", PUBLIC),
        get(BY_KEY, "/api/v1/instruments/A-1", PUBLIC),
        get(
            BY_KEY,
            "/api/v1/instruments/A-DRAFT",
            [404, 404, 200, 404, 200, 200, 200],
        ),
        plain("/api/v1/nodes", PUBLIC),
        plain("/api/v1/status", PUBLIC),
        get(
            "/api/v1/instruments/{key}/policy",
            "/api/v1/instruments/A-1/policy",
            PUBLIC,
        ),
        get(
            "/api/v1/instruments/{key}/policy",
            "/api/v1/instruments/A-DRAFT/policy",
            [404, 404, 200, 404, 200, 200, 200],
        ),
        get(
            "/api/v1/instruments/{key}/policy/effective",
            "/api/v1/instruments/A-1/policy/effective",
            PUBLIC,
        ),
        get(
            "/api/v1/nodes/{id}/policy/effective",
            "/api/v1/nodes/4/policy/effective",
            PUBLIC,
        ),
        get(
            "/api/v1/nodes/{id}/policy",
            "/api/v1/nodes/1/policy",
            PUBLIC,
        ),
        get(
            "/api/v1/instruments/{key}/source",
            "/api/v1/instruments/A-1/source",
            [401, 403, 200, 403, 200, 200, 200],
        ),
        get(
            "/api/v1/instruments/{key}/state-rule",
            "/api/v1/instruments/A-1/state-rule",
            PUBLIC,
        ),
        get(
            "/api/v1/instruments/{key}/state-rule/learned",
            "/api/v1/instruments/A-1/state-rule/learned?days=2",
            [401, 403, 200, 403, 200, 200, 200],
        ),
        get(
            "/api/v1/instruments/{key}/state-rule/rerun",
            "/api/v1/instruments/A-1/state-rule/rerun",
            [401, 403, 200, 403, 200, 200, 200],
        ),
        plain("/api/v1/agents", [401, 403, 200, 200, 200, 200, 200]),
        get(
            "/api/v1/instruments/{key}/availability",
            "/api/v1/instruments/A-1/availability?from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z",
            PUBLIC,
        ),
        get(
            "/api/v1/availability/grid",
            "/api/v1/availability/grid?keys=A-1&from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z&step=PT1H",
            PUBLIC,
        ),
        get(
            "/api/v1/availability",
            "/api/v1/availability?capability=xrd&duration=PT2H",
            KNOWN,
        ),
        plain("/api/v1/bookings", KNOWN),
        get(
            "/api/v1/bookings/{id}",
            "/api/v1/bookings/1",
            [401, 200, 200, 404, 200, 200, 200],
        ),
        plain("/api/v1/outages", PUBLIC),
        get(
            "/api/v1/instruments/{key}/readings",
            "/api/v1/instruments/A-1/readings?channel=power_w&from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z",
            PUBLIC,
        ),
        get("/api/v1/instruments/{key}/states", window, PUBLIC),
        plain("/api/v1/live", PUBLIC),
        get(
            "/api/v1/live",
            "/api/v1/live?keys=A-DRAFT",
            [404, 404, 200, 404, 200, 200, 200],
        ),
        get(
            "/api/v1/utilisation",
            "/api/v1/utilisation?group_by=lab&from=2026-11-23T00:00:00Z&to=2026-11-25T00:00:00Z",
            [401, 403, 403, 403, 200, 200, 200],
        ),
    ]
}

/// Managers of the lab, administrators above it.
fn managing(done: u16) -> [u16; 7] {
    [401, 403, done, 403, done, done, 403]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn people_and_bookings() -> Vec<Row> {
    let post = |path, expected| row(Method::POST, path, path, expected);
    let by_id = |method, path, expected| row(method, "/api/v1/bookings/{id}", path, expected);
    let mut wish = json!({ "instrument": "B-1", "start": at(57), "end": at(58), "purpose": "x" });
    let dry = row(
        Method::POST,
        "/api/v1/bookings",
        "/api/v1/bookings?dry_run=true",
        KNOWN,
    );
    let dry = with(dry, wish.clone());
    // The first who may gets it; the auditor is refused by rule.
    let race = post("/api/v1/bookings", [401, 201, 409, 409, 409, 409, 422]);
    let race = with(race, wish.clone());
    wish["instrument"] = json!("A-DRAFT");
    let draft = post("/api/v1/bookings", [401, 404, 201, 404, 409, 409, 422]);
    vec![
        with(
            post("/api/v1/login", PUBLIC),
            json!({ "name": "researcher", "password": PASSWORD }),
        ),
        post("/api/v1/logout", [204; 7]),
        // A token is no proof of the password's owner.
        with(
            row(
                Method::PUT,
                "/api/v1/me/password",
                "/api/v1/me/password",
                [401, 403, 403, 403, 403, 403, 403],
            ),
            json!({ "old": PASSWORD, "new": "another-password" }),
        ),
        with(
            post("/api/v1/tokens", [401, 201, 201, 201, 201, 201, 201]),
            json!({ "name": "notebook", "expires_in_days": 90 }),
        ),
        row(
            Method::DELETE,
            "/api/v1/tokens/{id}",
            "/api/v1/tokens/{n}",
            [401, 204, 204, 204, 204, 204, 204],
        ),
        row(
            Method::DELETE,
            "/api/v1/tokens/{id}",
            "/api/v1/tokens/7",
            [401, 404, 404, 404, 404, 404, 404],
        ),
        dry,
        race,
        with(draft, wish),
        with(
            by_id(
                Method::PATCH,
                "/api/v1/bookings/1",
                [401, 200, 200, 404, 200, 200, 403],
            ),
            json!({ "purpose": "{n}" }),
        ),
        by_id(
            Method::DELETE,
            // The column after the own one, so that nobody gives up what was given up.
            "/api/v1/bookings/{next}",
            [401, 200, 200, 404, 200, 200, 403],
        ),
        row(
            Method::POST,
            "/api/v1/bookings/{id}/approve",
            "/api/v1/bookings/1/approve",
            // It waits for no yes, but that is told only to those who could give it.
            [401, 403, 409, 404, 409, 409, 403],
        ),
        row(
            Method::POST,
            "/api/v1/bookings/{id}/decline",
            "/api/v1/bookings/1/decline",
            [401, 403, 409, 404, 409, 409, 403],
        ),
        with(
            row(
                Method::POST,
                "/api/v1/bookings/{id}/transfer",
                "/api/v1/bookings/{next}/transfer",
                [401, 200, 200, 404, 200, 200, 403],
            ),
            json!({ "member": 2 }),
        ),
        row(
            Method::GET,
            "/api/v1/instruments/{key}/last-booking",
            "/api/v1/instruments/A-1/last-booking",
            [401, 200, 404, 404, 404, 404, 404],
        ),
        with(
            post(
                "/api/v1/bookings",
                // For somebody else, past a rule: the lab's own people; the first of them gets it.
                [401, 403, 201, 403, 409, 409, 403],
            ),
            json!({ "instrument": "A-1", "start": at(56), "end": at(57), "purpose": "x",
                "member": 7, "override": { "reason": "x" } }),
        ),
    ]
}

fn outages() -> Vec<Row> {
    let outage = json!({ "instrument": "A-1", "start": at(80), "end": at(81), "reason": "x" });
    let open = |path| row(Method::POST, "/api/v1/outages", path, managing(201));
    let by_id = |method, done| {
        let route = "/api/v1/outages/{id}";
        row(method, route, "/api/v1/outages/{next}", managing(done))
    };
    let tried = Row {
        expected: managing(200),
        ..open("/api/v1/outages?dry_run=true")
    };
    vec![
        with(open("/api/v1/outages"), outage.clone()),
        with(tried, outage),
        with(by_id(Method::PATCH, 200), json!({ "end": at(60) })),
        by_id(Method::DELETE, 204),
    ]
}

#[tokio::test]
async fn every_route_answers_every_role_as_it_should() {
    let mut wrong = Vec::new();
    for row in rows() {
        let kept = [goes_with::kept(), foreign::kept()].concat();
        let place = Place::with_rows(&kept).await;
        for (column, (who, expected)) in Who::TABLE.into_iter().zip(row.expected).enumerate() {
            let fill = |text: &str| {
                text.replace("{n}", &column.to_string())
                    .replace("{next}", &(column + 1).to_string())
            };
            let body = row
                .body
                .as_ref()
                .map(|body| serde_json::from_str::<Value>(&fill(&body.to_string())).unwrap());
            let path = fill(row.path);
            let answer = place
                .send(who, row.method.clone(), &path, body.as_ref())
                .await;
            if answer.status != expected {
                let text = answer.text();
                let got = answer.status;
                wrong.push(format!(
                    "{} {path} as {who:?}: {got}, not {expected}\n  {text}",
                    row.method
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_route_of_the_api_has_a_row() {
    let rows = rows();
    let known: BTreeSet<(String, String)> = rows
        .iter()
        .map(|row| (row.method.to_string(), row.route.to_owned()))
        .collect();
    let document = document();
    let mut described = BTreeSet::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ] {
            if operation.is_some() {
                described.insert((method.to_owned(), path.clone()));
            }
        }
    }
    assert_eq!(known, described);
}

fn rows() -> Vec<Row> {
    let mut rows = reading();
    rows.extend(settings::rows());
    rows.extend(foreign::rows());
    rows.extend(people_and_bookings());
    rows.extend(runs::rows());
    rows.extend(goes_with::rows());
    rows.extend(outages());
    rows.extend(waiting::holds_and_waitlist());
    rows.extend(waiting::bundles_and_series());
    rows
}
