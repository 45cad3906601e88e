//! Devices of other makers: sources, mappings, unknown devices, readings of scripts.

use axum::http::Method;
use serde_json::json;

use super::super::MIDNIGHT;
use super::*;

/// A source and a mapping of the lab for each column.
pub(super) fn kept() -> Vec<String> {
    let spec = r#"{"format":"tasmota","topic":"tele/{d}","instrument":"{d}"}"#;
    let of_column = |column: i64| {
        let secret = "ab".repeat(32);
        [
            format!(
                "INSERT INTO foreign_sources VALUES \
                 ('plugs-{column}', {LAB}, x'{secret}', '[\"tele-{column}/#\"]', {MIDNIGHT})"
            ),
            format!(
                "INSERT INTO mappings VALUES ({}, {LAB}, 'x', '{spec}', 1, {MIDNIGHT})",
                column + 1
            ),
        ]
    };
    (0..7).flat_map(of_column).collect()
}

/// Who manages the lab may, who audits it sees it, from others it is hidden.
fn hidden(done: u16) -> [u16; 7] {
    [401, 404, done, 404, done, done, 403]
}

const SEEN: [u16; 7] = [401, 403, 200, 200, 200, 200, 200];

pub(super) fn rows() -> Vec<Row> {
    let spec = json!({ "format": "tasmota", "topic": "tele/{d}", "instrument": "{d}" });
    let listed = |route| row(Method::GET, route, route, SEEN);
    let by_id = |method, expected| {
        let route = "/api/v1/mappings/{id}";
        row(method, route, "/api/v1/mappings/{next}", expected)
    };
    let made = |route, body| with(row(Method::POST, route, route, managing(201)), body);
    vec![
        listed("/api/v1/sources"),
        listed("/api/v1/mappings"),
        listed("/api/v1/unknown-devices"),
        listed("/api/v1/edge-nodes"),
        row(
            Method::GET,
            "/api/v1/device-profiles",
            "/api/v1/device-profiles",
            [401, 200, 200, 200, 200, 200, 200],
        ),
        made(
            "/api/v1/sources",
            json!({ "name": "new-{n}", "lab": LAB, "filters": ["new/{n}/#"] }),
        ),
        row(
            Method::DELETE,
            "/api/v1/sources/{name}",
            "/api/v1/sources/plugs-{n}",
            hidden(204),
        ),
        with(
            row(
                Method::POST,
                "/api/v1/sources/{name}/test",
                "/api/v1/sources/plugs-{n}/test",
                hidden(200),
            ),
            json!({ "topic": "tele-0/x", "payload": "1" }),
        ),
        made(
            "/api/v1/mappings",
            json!({ "name": "x", "lab": LAB, "mapping": spec }),
        ),
        by_id(Method::GET, [401, 403, 200, 404, 200, 200, 200]),
        with(
            by_id(Method::PUT, hidden(200)),
            json!({ "name": "y", "mapping": spec }),
        ),
        by_id(Method::DELETE, hidden(204)),
        with(
            row(
                Method::POST,
                "/api/v1/unknown-devices/{name}/adopt",
                "/api/v1/unknown-devices/0011223344556677/adopt",
                [401, 404, 404, 404, 404, 404, 404],
            ),
            json!({ "instrument": "A-1" }),
        ),
        with(
            row(
                Method::POST,
                "/api/v1/readings",
                "/api/v1/readings",
                managing(200),
            ),
            json!({ "readings": [{ "instrument": "A-1", "channel": "power_w", "value": 1.5 }] }),
        ),
    ]
}
