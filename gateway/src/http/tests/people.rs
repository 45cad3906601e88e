//! People and the tree: from an empty database to a running lab; who finds whom.

use serde_json::{Value, json};

use super::{Method, Place, Who};
use crate::booking::Import;
use crate::registry::{NodeKind, Role};

async fn sign_in(place: &Place, login: &str, password: &str) -> u16 {
    let body = json!({ "name": login, "password": password });
    let answer = place.post(Who::Anonymous, "/api/v1/login", &body).await;
    answer.status.as_u16()
}

async fn patch(place: &Place, who: Who, path: &str, body: Value) -> super::Answer {
    place.send(who, Method::PATCH, path, Some(&body)).await
}

/// What `ortoo admin create` leaves: the region and its administrator.
fn first_day() -> Import {
    let world = super::world::world();
    let administrator = Who::RegionAdmin.number();
    Import {
        nodes: world
            .nodes
            .into_iter()
            .filter(|node| node.kind == NodeKind::Region)
            .collect(),
        members: world
            .members
            .into_iter()
            .filter(|member| member.id.get() == administrator)
            .collect(),
        tokens: world
            .tokens
            .into_iter()
            .filter(|(_, token)| token.member.get() == administrator)
            .collect(),
        ..Import::default()
    }
}

#[tokio::test]
async fn the_first_administrator_builds_a_region_by_http() {
    let place = Place::of(first_day(), super::NO_LIMITS).await;
    let admin = Who::RegionAdmin;
    let add = async |parent: i64, body: Value| {
        let mut body = body;
        body["parent"] = json!(parent);
        let made = place.post(admin, "/api/v1/nodes", &body).await.expect(201);
        (made["id"].as_i64().unwrap(), made["kind"].clone())
    };
    let (centre, kind) = add(
        1,
        json!({ "name": "包头", "latitude": 40.6, "longitude": 109.8 }),
    )
    .await;
    assert_eq!(kind, "centre");
    let (institution, kind) = add(centre, json!({ "name": "稀土公司", "enterprise": true })).await;
    assert_eq!(kind, "institution");
    let (lab, kind) = add(institution, json!({ "name": "测试室" })).await;
    assert_eq!(kind, "lab");
    let person =
        json!({ "login": "batu", "name": "巴图", "roles": [{ "role": "manager", "node": lab }] });
    let made = place
        .post(admin, "/api/v1/members", &person)
        .await
        .expect(201);
    let password = made["password"].as_str().unwrap();
    assert_eq!(sign_in(&place, "batu", password).await, 200);
    let again = place.post(admin, "/api/v1/members", &person).await;
    again.expect_problem(409, "wrong-state");
    let instrument = json!({ "key": "BT-1", "name": "仪器", "model": "", "manufacturer": "",
        "capabilities": [], "room": "", "lab": lab });
    let made = place
        .post(admin, "/api/v1/instruments", &instrument)
        .await
        .expect(201);
    assert_eq!(made["latitude"], 40.6, "it stands where its centre does");
    let own = json!({ "latitude": 41.0, "longitude": 110.0 });
    let moved = patch(&place, admin, "/api/v1/instruments/BT-1", own)
        .await
        .expect(200);
    assert_eq!(moved["longitude"], 110.0);
    let wrong = json!({ "latitude": null });
    let wrong = patch(&place, admin, "/api/v1/instruments/BT-1", wrong).await;
    wrong.expect_problem(400, "malformed-request");
    let labs = place.get(Who::Anonymous, "/api/v1/nodes").await.expect(200);
    let institution = &labs["items"][2];
    assert_eq!(institution["enterprise"], true);
}

#[tokio::test]
async fn a_new_password_is_shown_once_and_ends_sessions() {
    let place = Place::new().await;
    let old = super::world::PASSWORD;
    let body = json!({ "name": "researcher", "password": old });
    let answer = place.post(Who::Anonymous, "/api/v1/login", &body).await;
    let cookie = answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let me = async || {
        let request = super::Request::builder()
            .uri("/api/v1/me")
            .header("cookie", &cookie);
        place
            .raw(request.body(super::Body::empty()).unwrap())
            .await
            .status
            .as_u16()
    };
    assert_eq!(me().await, 200);
    let path = "/api/v1/members/1";
    let reset = json!({ "reset_password": true });
    let answer = patch(&place, Who::CentreAdmin, path, reset)
        .await
        .expect(200);
    let new = answer["password"].as_str().unwrap().to_owned();
    assert_eq!(me().await, 401, "whoever had the old one is signed out");
    assert_eq!(sign_in(&place, "researcher", old).await, 401);
    assert_eq!(sign_in(&place, "researcher", &new).await, 200);
    let shown = place.get(Who::CentreAdmin, path).await.expect(200);
    assert_eq!(shown["password"], Value::Null);
    let gone = json!({ "active": false });
    patch(&place, Who::CentreAdmin, path, gone)
        .await
        .expect(200);
    assert_eq!(sign_in(&place, "researcher", &new).await, 401);
    place
        .get(Who::Researcher, "/api/v1/me")
        .await
        .expect_problem(401, "not-signed-in");
}

#[tokio::test]
async fn the_last_administrator_stays_and_edits_do_not_overwrite_each_other() {
    let place = Place::new().await;
    let (admin, path) = (Who::RegionAdmin, "/api/v1/members/5");
    for body in [
        json!({ "active": false }),
        json!({ "roles": [{ "role": "researcher", "node": 4 }] }),
    ] {
        let refused = patch(&place, admin, path, body).await;
        refused.expect_problem(409, "wrong-state");
    }
    let second = json!({ "login": "second", "name": "二", "roles": [{ "role": "region_admin", "node": 1 }] });
    place
        .post(admin, "/api/v1/members", &second)
        .await
        .expect(201);
    let read = place.get(admin, path).await;
    assert_eq!(read.header("etag"), "\"1\"");
    let name = json!({ "name": "改名" });
    patch(&place, admin, path, name).await.expect(200);
    let request = super::Request::builder()
        .method(Method::PATCH)
        .uri(path)
        .header(
            "authorization",
            format!("Bearer {}", admin.token().unwrap()),
        )
        .header("content-type", "application/json")
        .header("if-match", "\"1\"");
    let body = super::Body::from(json!({ "active": false }).to_string());
    let stale = place.raw(request.body(body).unwrap()).await;
    stale.expect_problem(409, "stale-version");
    patch(&place, admin, path, json!({ "active": false }))
        .await
        .expect(200);
}

#[tokio::test]
async fn roles_fit_their_nodes() {
    let place = Place::new().await;
    let make = async |role: &str, node: i64| {
        let body = json!({ "login": "x", "name": "x", "roles": [{ "role": role, "node": node }] });
        place.post(Who::RegionAdmin, "/api/v1/members", &body).await
    };
    for (role, node, field) in [
        ("king", 1, "roles[0].role"),
        ("manager", 99, "roles[0].node"),
        ("region_admin", 2, "roles[0].role"),
        ("centre_admin", 4, "roles[0].role"),
    ] {
        let refused = make(role, node)
            .await
            .expect_problem(400, "malformed-request");
        assert_eq!(refused["errors"][0]["field"], field);
    }
    make("centre_admin", 3).await.expect(201);
}

#[tokio::test]
async fn members_find_colleagues_and_managers_find_everybody() {
    let place = Place::new().await;
    let find = async |who, query: &str| {
        let path = format!("/api/v1/members?{query}");
        let found = place.get(who, &path).await.expect(200);
        let items = found["items"].as_array().unwrap();
        items
            .iter()
            .map(|one| one["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        find(Who::Researcher, "").await,
        [1, 2],
        "of the own institution"
    );
    assert_eq!(find(Who::Stranger, "q=RESEARCH").await, Vec::<i64>::new());
    assert_eq!(find(Who::Manager, "q=strang").await, [7]);
    assert_eq!(
        find(Who::Manager, "q=strang&lab=7").await,
        Vec::<i64>::new()
    );
    assert_eq!(find(Who::Manager, "q=strang&lab=4").await, [7]);
    let path = "/api/v1/members?q=stranger";
    let found = place.get(Who::Manager, path).await.expect(200);
    assert_eq!(found["items"][0]["institution"], "单位6");
}

/// Of every pair of roles: nobody gives one above the own.
#[test]
fn nobody_gives_a_role_above_the_own() {
    let gives = |giver: Role| {
        let given = Role::ALL
            .into_iter()
            .filter(move |role| giver.may_give(*role));
        given.collect::<Vec<_>>()
    };
    assert_eq!(gives(Role::RegionAdmin), Role::ALL);
    let all_but_region = [
        Role::Researcher,
        Role::Manager,
        Role::CentreAdmin,
        Role::Auditor,
    ];
    assert_eq!(gives(Role::CentreAdmin), all_but_region);
    for other in [Role::Researcher, Role::Manager, Role::Auditor] {
        assert_eq!(gives(other), []);
    }
}
