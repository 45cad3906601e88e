//! What those who run labs set: instruments, rules, agents.

use axum::http::Method;
use serde_json::json;

use super::*;

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn rows() -> Vec<Row> {
    let rules = json!({ "rules": [{ "rule": "longest", "mode": "default", "minutes": 60 }] });
    let state_rule = json!({ "channel": "power_w", "running_above": 9.0, "running_below": 8.0,
        "standby_above": null, "dwell": "PT1S", "fault_channel": null, "stale_after": "PT30S" });
    let new = json!({ "key": "NEW-{n}", "name": "新", "model": "", "manufacturer": "",
        "capabilities": [], "room": "", "lab": LAB });
    let by_key = |method, path, expected| row(method, BY_KEY, path, expected);
    vec![
        with(
            row(
                Method::POST,
                "/api/v1/instruments",
                "/api/v1/instruments",
                managing(201),
            ),
            new,
        ),
        with(
            by_key(Method::PATCH, "/api/v1/instruments/A-1", managing(200)),
            json!({ "room": "{n}" }),
        ),
        by_key(Method::DELETE, "/api/v1/instruments/D-{n}", managing(204)),
        by_key(Method::DELETE, "/api/v1/instruments/A-1", managing(409)),
        by_key(
            Method::DELETE,
            "/api/v1/instruments/A-DRAFT",
            [401, 404, 204, 404, 404, 404, 404],
        ),
        with(
            row(
                Method::PUT,
                "/api/v1/instruments/{key}/policy",
                "/api/v1/instruments/A-1/policy",
                managing(200),
            ),
            rules.clone(),
        ),
        with(
            row(
                Method::PUT,
                "/api/v1/nodes/{id}/policy",
                "/api/v1/nodes/1/policy?dry_run=true&days=7",
                [401, 403, 403, 403, 403, 200, 403],
            ),
            rules.clone(),
        ),
        with(
            row(
                Method::PUT,
                "/api/v1/nodes/{id}/policy",
                "/api/v1/nodes/4/policy",
                managing(200),
            ),
            rules.clone(),
        ),
        with(
            row(
                Method::PUT,
                "/api/v1/nodes/{id}/policy",
                "/api/v1/nodes/2/policy",
                [401, 403, 403, 403, 200, 200, 403],
            ),
            rules,
        ),
        with(
            row(
                Method::PUT,
                "/api/v1/instruments/{key}/source",
                "/api/v1/instruments/A-1/source",
                managing(200),
            ),
            json!({ "agent": "agent-1" }),
        ),
        with(
            row(
                Method::PUT,
                "/api/v1/instruments/{key}/state-rule",
                "/api/v1/instruments/A-1/state-rule",
                managing(200),
            ),
            state_rule.clone(),
        ),
        with(
            row(
                Method::POST,
                "/api/v1/instruments/{key}/state-rule/preview",
                "/api/v1/instruments/A-1/state-rule/preview",
                managing(200),
            ),
            json!({ "rule": state_rule }),
        ),
        with(
            row(
                Method::POST,
                "/api/v1/instruments/{key}/state-rule/rerun",
                "/api/v1/instruments/A-1/state-rule/rerun",
                // One at a time: the first is not ended yet.
                [401, 403, 201, 403, 409, 409, 403],
            ),
            json!({ "from": "2026-11-20T00:00:00Z", "to": "2026-11-21T00:00:00Z", "reason": "why" }),
        ),
        with(
            row(
                Method::POST,
                "/api/v1/agents",
                "/api/v1/agents",
                managing(201),
            ),
            json!({ "name": "new-{n}", "lab": LAB }),
        ),
        row(
            Method::DELETE,
            "/api/v1/agents/{name}",
            "/api/v1/agents/agent-{n}",
            [401, 404, 204, 404, 204, 204, 403],
        ),
    ]
}
