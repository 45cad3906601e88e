//! Coming, going, and runs.

use axum::http::Method;
use serde_json::json;

use super::super::world::LAB;
use super::{KNOWN, Row, managing, row, with};

/// Nothing of that identity, for whoever is signed in.
const NONE: [u16; 7] = [401, 404, 404, 404, 404, 404, 404];

pub(super) fn rows() -> Vec<Row> {
    // Too early for those who may.
    let checking = [401, 409, 409, 404, 409, 409, 403];
    let by_run = "/api/v1/runs/{id}";
    let lab_only = match LAB {
        4 => "/api/v1/runs?lab=4&state=unsettled",
        _ => unreachable!("the lab of the world"),
    };
    // Each at another time: nobody declares what somebody else has.
    let used = json!({ "instrument": "A-1", "note": "{n}",
        "start": "2026-11-23T1{n}:00:00+08:00", "end": "2026-11-23T1{n}:30:00+08:00" });
    let of_another = json!({ "instrument": "A-1", "member": 7,
        "start": "2026-11-23T0{n}:00:00+08:00", "end": "2026-11-23T0{n}:30:00+08:00" });
    let post = |path, expected| row(Method::POST, path, path, expected);
    vec![
        row(
            Method::POST,
            "/api/v1/bookings/{id}/check-in",
            "/api/v1/bookings/1/check-in",
            checking,
        ),
        row(
            Method::POST,
            "/api/v1/bookings/{id}/check-out",
            "/api/v1/bookings/1/check-out",
            checking,
        ),
        row(
            Method::GET,
            "/api/v1/instruments/{key}/qr",
            "/api/v1/instruments/A-1/qr",
            managing(200),
        ),
        row(
            Method::GET,
            "/api/v1/instruments/{key}/runs",
            "/api/v1/instruments/A-1/runs",
            KNOWN,
        ),
        row(Method::GET, "/api/v1/runs", "/api/v1/runs", KNOWN),
        row(
            Method::GET,
            "/api/v1/runs",
            lab_only,
            [401, 403, 200, 403, 200, 200, 200],
        ),
        row(Method::GET, by_run, "/api/v1/runs/1", NONE),
        with(
            row(Method::PATCH, by_run, "/api/v1/runs/1", NONE),
            json!({ "accept": true }),
        ),
        with(
            post("/api/v1/runs", [401, 201, 201, 201, 201, 201, 201]),
            used,
        ),
        with(post("/api/v1/runs", managing(201)), of_another),
    ]
}
