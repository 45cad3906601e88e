//! A small region in a fresh database: the tree, people with tokens, instruments, agents.
//!
//! The one place that goes round the front doors: there is no call that makes nodes and people.
//! It writes as the demo does, through the desk, before the gateway opens the database.

use std::time::Duration;

use gateway::booking::{self, DeskSettings, Import, NewBooking};
use gateway::clock::Clock;
use gateway::credentials::Passwords;
use gateway::lifecycle::Lifecycle;
use gateway::registry::{
    AgentEntry, Instrument, Member, Names, Node, NodeKind, Role, RoleOn, RuleSet, Scope,
    SecretHash, Source, StateRule, TokenEntry,
};
use gateway::store;
use scheduler::class::ClassSet;
use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::policy::{Mode, Rule, RuleBody};
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, Micros, Span};
use wire::{AgentName, InstrumentKey};

use crate::gateway::Setup;

const REGION: NodeId = NodeId::new(1);
const CENTRE: NodeId = NodeId::new(2);
const INSTITUTION: NodeId = NodeId::new(3);
const LAB: NodeId = NodeId::new(4);

/// Password of everybody.
pub const PASSWORD: &str = "correct horse battery staple";
/// The least the settings allow: hashing is not what these tests are about.
const PASSWORD_KIB: u32 = 8_192;

/// How large the region is.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Members who book.
    pub researchers: usize,
    /// Instruments, all in one lab, bookable at any hour.
    pub instruments: usize,
    /// Agents; instrument `i` belongs to agent `i % agents`.
    pub agents: usize,
}

/// Someone who can sign in with [`PASSWORD`].
#[derive(Debug, Clone)]
pub struct Person {
    /// The name to sign in with.
    pub login: String,
    /// An API token.
    pub token: String,
}

/// An agent's credential.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its name.
    pub name: String,
    /// Its secret.
    pub secret: String,
}

/// What is in the database. Slots are quarters of an hour, from one to 32, up to 14 days ahead.
#[derive(Debug, Clone)]
pub struct Region {
    /// Members who book.
    pub researchers: Vec<Person>,
    /// Manager of the lab.
    pub manager: Person,
    /// Administrator of the region.
    pub admin: Person,
    /// Keys of the instruments.
    pub instruments: Vec<String>,
    /// The agents.
    pub agents: Vec<Credential>,
}

impl Region {
    /// Makes the tables and fills them.
    ///
    /// # Panics
    /// When the database cannot be made, or is not empty.
    pub async fn fill(setup: &Setup, plan: Plan) -> Self {
        Self::fill_with(setup, plan, Vec::new()).await
    }

    /// Makes the tables and fills them, with bookings.
    ///
    /// # Panics
    /// When the database cannot be made, or is not empty, or bookings overlap.
    pub async fn fill_with(setup: &Setup, plan: Plan, bookings: Vec<NewBooking>) -> Self {
        std::fs::create_dir_all(&setup.data).expect("the scratch folder is ours");
        let now = Clock::system().now();
        let (region, mut import) = plan.make(now);
        import.bookings = bookings;
        let database = store::Database::open(&setup.data, setup.database.as_deref()).await;
        let database = database.expect("a fresh database opens");
        let lifecycle = Lifecycle::new();
        let settings = DeskSettings::default();
        let desk = booking::start(database, Clock::system(), &lifecycle, settings).await;
        // Kept until the end: a desk that nobody can ask any more ends by itself.
        let desk = desk.expect("the desk starts");
        let report = desk.import(import).await;
        let report = report.expect("a fresh database takes it");
        assert_eq!(report.left_out, 0, "bookings overlap");
        lifecycle.stop();
        lifecycle
            .finished(Duration::from_secs(10))
            .await
            .expect("the desk stops");
        region
    }
}

impl Plan {
    /// Makes bookings of an hour, three hours apart, from midnight tomorrow on: as many on every
    /// instrument, each by another member.
    ///
    /// # Panics
    /// When there are no members.
    #[must_use]
    pub fn bookings(self, each: usize) -> Vec<NewBooking> {
        let now = Clock::system().now();
        let midnight = Micros::new((now.get() / DAY_US + 1) * DAY_US);
        let mut bookings = Vec::new();
        for number in 0..self.instruments * each {
            let at = u32::try_from(number / self.instruments).expect("there are fewer");
            let start = midnight.saturating_add(Span::minutes(180 * at));
            let id = u32::try_from(number % self.instruments + 1).expect("there are fewer");
            let member = i64::try_from(number % self.researchers + 1).expect("there are fewer");
            bookings.push(NewBooking {
                instrument: InstrumentId::new(id),
                member: MemberId::new(member),
                slot: Slot::new(start, start.saturating_add(Span::minutes(60)))
                    .expect("an hour is a slot"),
                purpose: "measurement".to_owned(),
                project: None,
                created_at: now,
            });
        }
        bookings
    }

    fn make(self, now: Micros) -> (Region, Import) {
        let mut import = Import {
            nodes: nodes(),
            rules: vec![(Scope::Node(REGION), rules())],
            ..Import::default()
        };
        let hash = Passwords::new(PASSWORD_KIB).hash_here(PASSWORD);
        let mut person = |login: String, role: Role, node: NodeId| {
            let number = import.members.len() as i64 + 1;
            let token = format!("ort_{}", gateway::credentials::new_secret());
            import.members.push(Member {
                id: MemberId::new(number),
                login: login.clone(),
                display: Names {
                    zh: format!("成员{number}"),
                    en: format!("Member {number}"),
                },
                password_hash: hash.clone(),
                roles: vec![RoleOn { role, node }],
                active: true,
                version: 1,
            });
            let entry = TokenEntry {
                id: number,
                member: MemberId::new(number),
                name: "tests".to_owned(),
                created_at: now,
                expires_at: now.saturating_add(Span::days(30)),
                read_only: false,
            };
            import.tokens.push((SecretHash::of(&token), entry));
            Person { login, token }
        };
        let researchers = (1..=self.researchers)
            .map(|number| person(format!("researcher{number:04}"), Role::Researcher, LAB))
            .collect();
        let manager = person("manager01".to_owned(), Role::Manager, LAB);
        let admin = person("admin01".to_owned(), Role::RegionAdmin, REGION);
        let agents: Vec<Credential> = (1..=self.agents)
            .map(|number| Credential {
                name: format!("lab-{number:03}"),
                secret: gateway::credentials::new_secret(),
            })
            .collect();
        import.agents = agents.iter().map(|agent| agent_entry(agent, now)).collect();
        import.instruments = (0..self.instruments)
            .map(|number| instrument(number, &agents[number % agents.len()].name))
            .collect();
        let instruments = import
            .instruments
            .iter()
            .map(|one| one.key.as_str().to_owned())
            .collect();
        (
            Region {
                researchers,
                manager,
                admin,
                instruments,
                agents,
            },
            import,
        )
    }
}

fn nodes() -> Vec<Node> {
    let node = |id, parent, kind, zh: &str, en: &str| Node {
        id,
        parent,
        kind,
        names: Names {
            zh: zh.to_owned(),
            en: en.to_owned(),
        },
        enterprise: false,
        place: None,
        version: 1,
    };
    vec![
        node(REGION, None, NodeKind::Region, "测试区域", "Test region"),
        node(
            CENTRE,
            Some(REGION),
            NodeKind::Centre,
            "测试分中心",
            "Test centre",
        ),
        node(
            INSTITUTION,
            Some(CENTRE),
            NodeKind::Institution,
            "测试单位",
            "Test institution",
        ),
        node(
            LAB,
            Some(INSTITUTION),
            NodeKind::Lab,
            "测试实验室",
            "Test lab",
        ),
    ]
}

fn rules() -> RuleSet {
    let bodies = [
        RuleBody::Alignment { minutes: 15 },
        RuleBody::Shortest { minutes: 15 },
        RuleBody::Longest { minutes: 8 * 60 },
        RuleBody::Horizon { days: 14 },
    ];
    let rules = bodies
        .into_iter()
        .map(|body| Rule {
            body,
            mode: Mode::Default,
            classes: ClassSet::ALL,
        })
        .collect();
    RuleSet { version: 0, rules }
}

fn agent_entry(agent: &Credential, now: Micros) -> AgentEntry {
    AgentEntry {
        name: AgentName::parse(&agent.name).expect("the name is valid"),
        lab: LAB,
        secret: SecretHash::of(&agent.secret),
        created_at: now,
    }
}

fn instrument(number: usize, agent: &str) -> Instrument {
    let id = u32::try_from(number + 1).expect("there are fewer instruments");
    Instrument {
        id: InstrumentId::new(id),
        key: InstrumentKey::parse(&format!("NM-{id:05}")).expect("the key is valid"),
        names: Names {
            zh: format!("仪器{id}"),
            en: format!("Instrument {id}"),
        },
        model: "T-1".to_owned(),
        manufacturer: "Tests".to_owned(),
        category: None,
        capabilities: vec!["xrd".to_owned()],
        room: "A100".to_owned(),
        lab: LAB,
        place: None,
        zone: "Asia/Shanghai".parse().expect("the zone exists"),
        capacity: 1,
        bookable: true,
        published: true,
        always_on: false,
        version: 1,
        source: Some(Source {
            agent: AgentName::parse(agent).expect("the name is valid"),
            device: None,
            polled: None,
        }),
        state_rule: StateRule::standard(),
    }
}
