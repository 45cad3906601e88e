//! Rows about what goes with bookings, about people and about the tree.

use axum::http::Method;
use serde_json::json;

use super::super::MIDNIGHT;
use super::super::world::LAB;
use super::{KNOWN, PUBLIC, Row, managing, row, with};

/// Administrators of the centre and of the region.
fn administering(done: u16) -> [u16; 7] {
    [401, 403, 403, 403, done, done, 403]
}

/// Records that exist before anybody asks, seven of each that is changed: a column each.
pub(super) fn kept() -> Vec<String> {
    let mut statements = vec![
        "INSERT INTO projects VALUES \
         (1, 'P-0', '课题', '', 3, '', '', NULL, NULL, NULL, '[]', 0, 1)"
            .to_owned(),
        format!("INSERT INTO attachments VALUES (1, 1, 1, 'image/png', x'89504E47', {MIDNIGHT})"),
    ];
    let appeal =
        r#"{"text":"x","at_us":0,"state":"open","decided_by":null,"answer":"","decided_us":null}"#;
    for id in 1..=7 {
        statements.push(format!(
            "INSERT INTO problems VALUES \
             ({id}, 1, 1, 0, 'x', 1, NULL, NULL, '', NULL, NULL, 1)"
        ));
        statements.push(format!(
            "INSERT INTO qualifications VALUES ({id}, 1, 'q{id}', 4, 2, {MIDNIGHT}, NULL, NULL)"
        ));
        for (id, appeal) in [(id, "null"), (id + 10, appeal)] {
            statements.push(format!(
                "INSERT INTO penalties VALUES \
                 ({id}, 1, 1, 1, 'no_show', 1, {MIDNIGHT}, 0, '{appeal}')"
            ));
        }
    }
    statements
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = problems();
    rows.extend(projects());
    rows.extend(questions());
    rows.extend(notices_and_points());
    rows.extend(people());
    rows.extend(tree());
    rows
}

fn problems() -> Vec<Row> {
    const ONE: &str = "/api/v1/problems/{id}";
    let report = |instrument: &str| json!({ "instrument": instrument, "text": "坏了" });
    let post = |expected| {
        row(
            Method::POST,
            "/api/v1/problems",
            "/api/v1/problems",
            expected,
        )
    };
    let get = |route, path, expected| row(Method::GET, route, path, expected);
    vec![
        with(post([401, 201, 201, 201, 201, 201, 201]), report("A-1")),
        with(post([401, 404, 201, 404, 201, 201, 201]), report("A-DRAFT")),
        get("/api/v1/problems", "/api/v1/problems?open=true", KNOWN),
        get(
            "/api/v1/problems",
            "/api/v1/problems?instrument=A-DRAFT",
            [401, 404, 200, 404, 200, 200, 200],
        ),
        get(ONE, "/api/v1/problems/1", KNOWN),
        get(
            "/api/v1/problems/{id}/photo",
            "/api/v1/problems/1/photo",
            KNOWN,
        ),
        with(
            row(Method::PATCH, ONE, "/api/v1/problems/{next}", managing(200)),
            json!({ "stop": {} }),
        ),
        with(
            row(Method::PATCH, ONE, "/api/v1/problems/{next}", managing(200)),
            json!({ "close": { "cause": "wear" } }),
        ),
    ]
}

fn projects() -> Vec<Row> {
    const ONE: &str = "/api/v1/projects/{id}";
    let new = json!({ "code": "P-{n}", "name": "课题", "institution": 3 });
    let qualified = json!({ "member": 1, "name": "xrd", "lab": LAB });
    let unnamed = json!({ "member": 1, "name": "xrd" });
    let post = |path, expected| row(Method::POST, path, path, expected);
    vec![
        row(Method::GET, "/api/v1/projects", "/api/v1/projects", KNOWN),
        with(post("/api/v1/projects", administering(201)), new),
        row(
            Method::GET,
            ONE,
            "/api/v1/projects/1",
            [401, 200, 200, 404, 200, 200, 200],
        ),
        with(
            row(
                Method::PATCH,
                ONE,
                "/api/v1/projects/1",
                [401, 403, 403, 404, 200, 200, 403],
            ),
            json!({ "closed": true }),
        ),
        row(
            Method::GET,
            "/api/v1/qualifications",
            "/api/v1/qualifications?lab=4",
            KNOWN,
        ),
        with(post("/api/v1/qualifications", managing(201)), qualified),
        // A manager of one lab need not name it; administrators must.
        with(
            post(
                "/api/v1/qualifications",
                [401, 403, 201, 201, 400, 400, 403],
            ),
            unnamed,
        ),
        row(
            Method::DELETE,
            "/api/v1/qualifications/{id}",
            "/api/v1/qualifications/{next}",
            // The column's own qualification is the researcher's: seen, not taken back.
            [401, 403, 204, 404, 204, 204, 403],
        ),
    ]
}

fn questions() -> Vec<Row> {
    const AT_INSTRUMENT: &str = "/api/v1/instruments/{key}/questions";
    const AT_NODE: &str = "/api/v1/nodes/{id}/questions";
    let one = json!({ "questions": [{ "name": "toxic", "label": "有毒？", "answer": { "kind": "yes_no" } }] });
    let hidden = [404, 404, 200, 404, 200, 200, 200];
    let put = |route, path, expected| with(row(Method::PUT, route, path, expected), one.clone());
    vec![
        row(
            Method::GET,
            AT_INSTRUMENT,
            "/api/v1/instruments/A-1/questions",
            PUBLIC,
        ),
        row(
            Method::GET,
            AT_INSTRUMENT,
            "/api/v1/instruments/A-DRAFT/questions",
            hidden,
        ),
        row(Method::GET, AT_NODE, "/api/v1/nodes/4/questions", PUBLIC),
        put(
            AT_INSTRUMENT,
            "/api/v1/instruments/A-1/questions",
            managing(200),
        ),
        put(AT_NODE, "/api/v1/nodes/4/questions", managing(200)),
        put(AT_NODE, "/api/v1/nodes/2/questions", administering(200)),
    ]
}

fn notices_and_points() -> Vec<Row> {
    let post = |route, path, expected| row(Method::POST, route, path, expected);
    let get = |path, expected| row(Method::GET, "/api/v1/penalties", path, expected);
    let (appeal, decide) = (
        "/api/v1/penalties/{id}/appeal",
        "/api/v1/penalties/{id}/decide",
    );
    vec![
        row(
            Method::GET,
            "/api/v1/notices",
            "/api/v1/notices?unseen=true",
            KNOWN,
        ),
        with(
            post("/api/v1/notices/seen", "/api/v1/notices/seen", KNOWN),
            json!({ "up_to": 9 }),
        ),
        get("/api/v1/penalties?mine=true", KNOWN),
        get(
            "/api/v1/penalties?lab=4",
            [401, 403, 200, 403, 200, 200, 200],
        ),
        with(
            post(
                appeal,
                "/api/v1/penalties/{next}/appeal",
                [401, 200, 403, 404, 403, 403, 403],
            ),
            json!({ "text": "x" }),
        ),
        with(
            post(
                decide,
                "/api/v1/penalties/1{next}/decide",
                [401, 403, 200, 404, 200, 200, 403],
            ),
            json!({ "grant": true }),
        ),
    ]
}

fn people() -> Vec<Row> {
    const ALL: &str = "/api/v1/members";
    const ONE: &str = "/api/v1/members/{id}";
    let new = |role: &str, node: i64| json!({ "login": "new{n}", "name": "新人", "roles": [{ "role": role, "node": node }] });
    let make = |expected, role, node| with(row(Method::POST, ALL, ALL, expected), new(role, node));
    let edit = |path, expected, body| with(row(Method::PATCH, ONE, path, expected), body);
    let region = [401, 403, 403, 403, 403, 201, 403];
    let get = |path, expected| row(Method::GET, ONE, path, expected);
    vec![
        row(Method::GET, ALL, "/api/v1/members?q=%E4%BA%BA", KNOWN),
        make(administering(201), "researcher", 4),
        make(administering(201), "centre_admin", 2),
        // Nobody gives a role above the own, nor in another centre.
        make(region, "region_admin", 1),
        make(region, "auditor", 1),
        make(region, "manager", 7),
        get("/api/v1/members/1", [401, 403, 403, 403, 200, 200, 403]),
        get("/api/v1/members/3", [401, 403, 403, 403, 404, 200, 403]),
        edit(
            "/api/v1/members/1",
            administering(200),
            json!({ "name": "改名" }),
        ),
        edit(
            "/api/v1/members/3",
            [401, 403, 403, 403, 403, 200, 403],
            json!({ "active": false }),
        ),
        // An administrator of a centre has no hand in those of the region.
        edit(
            "/api/v1/members/5",
            [401, 403, 403, 403, 403, 200, 403],
            json!({ "reset_password": true }),
        ),
        edit(
            "/api/v1/members/1",
            [401, 403, 403, 403, 403, 200, 403],
            json!({ "roles": [{ "role": "researcher", "node": 4 }, { "role": "manager", "node": 7 }] }),
        ),
        row(
            Method::GET,
            "/api/v1/nodes/{id}/members",
            "/api/v1/nodes/2/members",
            [401, 403, 403, 403, 200, 200, 200],
        ),
    ]
}

fn tree() -> Vec<Row> {
    const ONE: &str = "/api/v1/nodes/{id}";
    let new = |parent: i64| json!({ "parent": parent, "name": "新{n}" });
    let post = |expected, parent| {
        with(
            row(Method::POST, "/api/v1/nodes", "/api/v1/nodes", expected),
            new(parent),
        )
    };
    let region = [401, 403, 403, 403, 403, 201, 403];
    let name = json!({ "name": "名{n}" });
    let edit = |path, expected| with(row(Method::PATCH, ONE, path, expected), name.clone());
    vec![
        post(administering(201), 3),
        post(region, 1),
        post(region, 5),
        // Nothing is below a lab.
        post([401, 403, 403, 403, 400, 400, 403], 4),
        edit("/api/v1/nodes/4", managing(200)),
        edit("/api/v1/nodes/2", administering(200)),
        edit("/api/v1/nodes/1", [401, 403, 403, 403, 403, 200, 403]),
        edit("/api/v1/nodes/99", [401, 404, 404, 404, 404, 404, 404]),
    ]
}
