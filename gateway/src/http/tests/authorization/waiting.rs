//! Holds, undo, the waitlist, bundles and series.

use axum::http::Method;
use serde_json::json;

use super::{KNOWN, Row, row, with};

/// Each column has an hour of its own tomorrow on B-1; the auditor books nothing.
fn own_hour() -> (&'static str, &'static str) {
    ("2026-11-25T1{n}:00:00+08:00", "2026-11-25T1{n}:30:00+08:00")
}

pub(super) fn holds_and_waitlist() -> Vec<Row> {
    let post = |path, expected| row(Method::POST, path, path, expected);
    let (start, end) = own_hour();
    let hold = json!({ "instrument": "B-1", "start": start, "end": end });
    let wait = json!({ "instruments": ["B-1"], "start": start, "end": end, "purpose": "x" });
    let nothing = [401, 404, 404, 404, 404, 404, 404];
    let by_wish = |method, route| row(method, route, route, nothing);
    vec![
        with(
            post("/api/v1/holds", [401, 201, 201, 201, 201, 201, 422]),
            hold,
        ),
        row(Method::GET, "/api/v1/holds", "/api/v1/holds", KNOWN),
        row(
            Method::DELETE,
            "/api/v1/holds/{id}",
            "/api/v1/holds/1",
            nothing,
        ),
        row(
            Method::POST,
            "/api/v1/bookings/{id}/restore",
            "/api/v1/bookings/1/restore",
            // Its owner is told that it was not given up.
            [401, 409, 403, 404, 403, 403, 403],
        ),
        with(
            post("/api/v1/waitlist", [401, 201, 201, 201, 201, 201, 403]),
            wait,
        ),
        row(Method::GET, "/api/v1/waitlist", "/api/v1/waitlist", KNOWN),
        by_wish(Method::DELETE, "/api/v1/waitlist/{id}"),
        by_wish(Method::POST, "/api/v1/waitlist/{id}/accept"),
        by_wish(Method::POST, "/api/v1/waitlist/{id}/decline"),
        row(
            Method::GET,
            "/api/v1/instruments/{key}/waitlist",
            "/api/v1/instruments/A-1/waitlist",
            [401, 403, 200, 403, 200, 200, 200],
        ),
    ]
}

pub(super) fn bundles_and_series() -> Vec<Row> {
    let post = |path, expected| row(Method::POST, path, path, expected);
    let (start, end) = own_hour();
    let bundle = json!({ "purpose": "x",
        "bookings": [{ "instrument": "B-1", "start": start, "end": end }] });
    let series = json!({ "instrument": "B-1", "start": start, "end": end, "purpose": "x",
        "rule": "FREQ=DAILY;COUNT=2" });
    let nothing = [401, 404, 404, 404, 404, 404, 404];
    let booked = [401, 201, 201, 201, 201, 201, 422];
    vec![
        with(post("/api/v1/bundles", booked), bundle),
        with(post("/api/v1/series", booked), series),
        row(Method::GET, "/api/v1/series", "/api/v1/series", KNOWN),
        row(
            Method::GET,
            "/api/v1/series/{id}",
            "/api/v1/series/1",
            nothing,
        ),
        row(
            Method::DELETE,
            "/api/v1/series/{id}",
            "/api/v1/series/1",
            nothing,
        ),
    ]
}
