//! Who and what there is.

use std::path::Path;
use std::sync::LazyLock;

use chrono_tz::Tz;
use scheduler::calendar::{DayHours, Weekly};
use scheduler::class::ClassSet;
use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::policy::{Mode, Rule, RuleBody};
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, HOUR_US, Micros};
use wire::{AgentName, InstrumentKey};

use super::{MIDNIGHT, Who};
use crate::booking::{DeskHandle, Import, NewBooking, NewOutage};
use crate::clock::Clock;
use crate::config::Mqtt;
use crate::credentials::Passwords;
use crate::history::History;
use crate::lifecycle::Lifecycle;
use crate::registry::{
    AgentEntry, Instrument, Member, Names, Node, NodeKind, Role, RoleOn, RuleSet, Scope,
    SecretHash, StateRule, TokenEntry,
};
use crate::telemetry::{Telemetry, TelemetryHandle};

pub(super) const PASSWORD: &str = "correct horse";

/// The lab of most things, and the other one.
pub(super) const LAB: i64 = 4;
pub(super) const OTHER_LAB: i64 = 7;

/// Hashing takes a while: once for all tests.
static PASSWORDS: LazyLock<(Passwords, String)> = LazyLock::new(|| {
    let passwords = Passwords::new(8_192);
    let kept = passwords.hash_here(PASSWORD);
    (passwords, kept)
});

pub(super) fn passwords() -> Passwords {
    PASSWORDS.0.clone()
}

pub(super) async fn telemetry(
    folder: &Path,
    clock: &Clock,
    lifecycle: &Lifecycle,
    desk: &DeskHandle,
) -> (TelemetryHandle, History) {
    let history = History::open(folder, clock.clone()).await.unwrap();
    let mqtt = Mqtt::Embedded {
        listen: ([127, 0, 0, 1], 0).into(),
    };
    let directory = desk.shared_directory();
    let started = Telemetry::start(&mqtt, clock.clone(), lifecycle, directory, history.clone());
    (started.await.unwrap(), history)
}

/// Every role, a draft, seven of everything that can be removed.
pub(super) fn world() -> Import {
    let kinds = [NodeKind::Centre, NodeKind::Institution, NodeKind::Lab];
    let mut nodes = vec![node(1, None, NodeKind::Region)];
    for first in [2, 5] {
        for (step, kind) in (0..).zip(kinds) {
            let parent = if step == 0 { 1 } else { first + step - 1 };
            nodes.push(node(first + step, Some(parent), kind));
        }
    }
    let mut instruments = vec![
        instrument(1, "A-1", LAB, true),
        instrument(2, "A-DRAFT", LAB, false),
        instrument(3, "B-1", OTHER_LAB, true),
    ];
    for number in 0..7u32 {
        instruments.push(instrument(10 + number, &format!("D-{number}"), LAB, true));
    }
    let people = [
        Who::Researcher,
        Who::Manager,
        Who::Neighbour,
        Who::CentreAdmin,
        Who::RegionAdmin,
        Who::Auditor,
        Who::Stranger,
    ];
    Import {
        nodes,
        instruments,
        members: people.map(member).to_vec(),
        agents: (0..7).map(agent).collect(),
        tokens: people.map(token).to_vec(),
        rules: vec![(Scope::Node(NodeId::new(1)), rules())],
        outages: (0..7).map(outage).collect(),
        bookings: (0..7).map(booking).collect(),
    }
}

fn names(zh: &str, en: &str) -> Names {
    Names {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn node(id: i64, parent: Option<i64>, kind: NodeKind) -> Node {
    let (zh, en) = match kind {
        NodeKind::Region => ("区域", "Region"),
        NodeKind::Centre => ("分中心", "Centre"),
        NodeKind::Institution => ("单位", "Institution"),
        NodeKind::Lab => ("实验室", "Lab"),
    };
    Node {
        id: NodeId::new(id),
        parent: parent.map(NodeId::new),
        kind,
        names: names(&format!("{zh}{id}"), &format!("{en} {id}")),
        enterprise: false,
        place: None,
        version: 1,
    }
}

fn instrument(id: u32, key: &str, lab: i64, published: bool) -> Instrument {
    Instrument {
        id: InstrumentId::new(id),
        key: InstrumentKey::parse(key).unwrap(),
        names: names("X射线衍射仪", "X-ray diffractometer"),
        model: "D8 Advance".to_owned(),
        manufacturer: "Bruker".to_owned(),
        category: None,
        capabilities: vec!["xrd".to_owned()],
        room: "A100".to_owned(),
        lab: NodeId::new(lab),
        place: None,
        zone: Tz::Asia__Shanghai,
        capacity: 1,
        bookable: true,
        published,
        always_on: false,
        version: 1,
        source: None,
        state_rule: StateRule::standard(),
    }
}

fn member(who: Who) -> Member {
    let (role, node) = match who {
        Who::Anonymous | Who::Researcher => (Role::Researcher, LAB),
        Who::Manager => (Role::Manager, LAB),
        Who::Neighbour => (Role::Manager, OTHER_LAB),
        Who::CentreAdmin => (Role::CentreAdmin, 2),
        Who::RegionAdmin => (Role::RegionAdmin, 1),
        Who::Auditor => (Role::Auditor, 1),
        Who::Stranger => (Role::Researcher, OTHER_LAB),
    };
    Member {
        id: MemberId::new(who.number()),
        login: format!("{who:?}").to_lowercase(),
        display: names(&format!("人员{}", who.number()), &format!("{who:?}")),
        password_hash: PASSWORDS.1.clone(),
        roles: vec![RoleOn {
            role,
            node: NodeId::new(node),
        }],
        active: true,
        version: 1,
    }
}

/// The token's identity is the member's.
fn token(who: Who) -> (SecretHash, TokenEntry) {
    let text = who.token().unwrap();
    let entry = TokenEntry {
        id: who.number(),
        member: MemberId::new(who.number()),
        name: "test".to_owned(),
        created_at: Micros::new(MIDNIGHT),
        expires_at: Micros::new(MIDNIGHT + 30 * DAY_US),
        read_only: false,
    };
    (SecretHash::of(&text), entry)
}

fn agent(number: i64) -> AgentEntry {
    AgentEntry {
        name: AgentName::parse(&format!("agent-{number}")).unwrap(),
        lab: NodeId::new(LAB),
        secret: SecretHash::of("secret"),
        created_at: Micros::new(MIDNIGHT),
    }
}

fn hours(from: i64, to: i64) -> Slot {
    let at = |hour| Micros::new(MIDNIGHT + hour * HOUR_US);
    Slot::new(at(from), at(to)).unwrap()
}

/// Booking `number + 1`: the researcher's on A-1, tomorrow from 8 by the hour.
fn booking(number: i64) -> NewBooking {
    NewBooking {
        instrument: InstrumentId::new(1),
        member: MemberId::new(Who::Researcher.number()),
        slot: hours(32 + number, 33 + number),
        purpose: "secret purpose".to_owned(),
        project: None,
        created_at: Micros::new(MIDNIGHT),
    }
}

/// Outage `number + 1`: on D-0, in the night after tomorrow.
fn outage(number: i64) -> NewOutage {
    NewOutage {
        instrument: InstrumentId::new(10),
        slot: hours(48 + number, 49 + number),
        reason: "lamp".to_owned(),
        opened_by: MemberId::new(Who::Manager.number()),
        created_at: Micros::new(MIDNIGHT),
    }
}

fn rules() -> RuleSet {
    let weekly = DayHours::new(&[1, 2, 3, 4, 5, 6, 7], 8 * 60, 22 * 60).unwrap();
    let bodies = [
        RuleBody::OpeningHours(Weekly(vec![weekly]).into()),
        RuleBody::Alignment { minutes: 15 },
        RuleBody::Shortest { minutes: 30 },
        RuleBody::Longest { minutes: 480 },
        RuleBody::Horizon { days: 14 },
    ];
    RuleSet {
        version: 0,
        rules: bodies
            .map(|body| Rule {
                body,
                mode: Mode::Default,
                classes: ClassSet::ALL,
            })
            .to_vec(),
    }
}
