//! From the made-up world to the registry's own types: nodes, instruments, people, agents, rules.
//! Identities are positions in the world, counted from 1.

use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::policy::Rule;
use scheduler::time::Micros;
use wire::AgentName;

use crate::registry::{
    AgentEntry, Alarm, Instrument, Levels, Member, Names, Node, NodeKind, RoleOn, Scope,
    SecretHash, Source, StateRule,
};

use super::generate::{Feed, Machine, World};
use super::meter::Kind;
use super::rules;

/// How long a change of state must last, in milliseconds.
const DWELL_MS: i64 = 10_000;

/// Silence longer than three reports is offline, in milliseconds.
const STALE_AFTER_MS: i64 = 30_000;

/// What nobody can sign in with: not the form of a hash, so no password fits it. People whose
/// password is not printed have it; hashing a thousand passwords nobody knows would only take time.
const NO_PASSWORD: &str = "!";

fn number(at: usize) -> i64 {
    i64::try_from(at + 1).expect("the world is small")
}

/// Returns the identity of a place.
pub(super) fn node_id(at: usize) -> NodeId {
    NodeId::new(number(at))
}

/// Returns the identity of a person.
pub(super) fn member_id(at: usize) -> MemberId {
    MemberId::new(number(at))
}

/// Returns the identity of an instrument.
pub(super) fn instrument_id(at: usize) -> InstrumentId {
    InstrumentId::new(u32::try_from(at + 1).expect("the world is small"))
}

/// Returns the tree.
pub(super) fn nodes(world: &World) -> Vec<Node> {
    let node = |(at, place): (usize, &super::places::Place)| Node {
        id: node_id(at),
        parent: place.parent.map(node_id),
        kind: place.kind,
        names: Names {
            zh: place.zh.clone(),
            en: place.en.clone(),
        },
        enterprise: false,
        place: None,
        version: 1,
    };
    world.places.iter().enumerate().map(node).collect()
}

/// Returns the name of the simulated agent of a laboratory.
///
/// # Panics
/// If the place is no laboratory.
pub(super) fn agent_of(world: &World, lab: usize) -> AgentName {
    let labs = world
        .places
        .iter()
        .enumerate()
        .filter(|(_, place)| place.kind == NodeKind::Lab);
    let nth = labs.take_while(|(at, _)| *at <= lab).count();
    assert!(nth > 0, "only laboratories have agents");
    AgentName::parse(&format!("lab-{nth:03}")).expect("the form is valid")
}

/// Returns the instruments, in the order of the world's.
pub(super) fn instruments(world: &World) -> Vec<Instrument> {
    let mut agent: Option<(usize, AgentName)> = None;
    let mut instruments = Vec::with_capacity(world.machines.len());
    for (at, machine) in world.machines.iter().enumerate() {
        let known = agent.take().filter(|(lab, _)| *lab == machine.lab);
        let (lab, name) = known.unwrap_or_else(|| (machine.lab, agent_of(world, machine.lab)));
        instruments.push(instrument(at, machine, &name));
        agent = Some((lab, name));
    }
    instruments
}

fn instrument(at: usize, machine: &Machine, agent: &AgentName) -> Instrument {
    let class = machine.class;
    let device = Some(format!("meter-{}", machine.number + 1));
    let source = match &machine.feed {
        Feed::None => None,
        Feed::Simulated => Some(Source {
            agent: agent.clone(),
            device,
            polled: None,
        }),
        Feed::Left(own) => Some(Source {
            agent: own.clone(),
            device: None,
            polled: None,
        }),
    };
    Instrument {
        id: instrument_id(at),
        key: machine.key.clone(),
        names: Names {
            zh: class.zh.into(),
            en: class.en.into(),
        },
        model: machine.model.into(),
        manufacturer: machine.maker.into(),
        category: class.code.map(str::to_owned),
        capabilities: class
            .capabilities
            .iter()
            .map(|word| (*word).to_owned())
            .collect(),
        room: machine.room.clone(),
        lab: node_id(machine.lab),
        place: None,
        zone: chrono_tz::Asia::Shanghai,
        capacity: 1,
        bookable: machine.bookable,
        published: machine.published,
        always_on: false,
        version: 1,
        source,
        state_rule: state_rule(machine),
    }
}

/// Returns how a machine's state follows from its meter: thresholds between the levels of its class.
/// Instruments left to agents of one's own have the standard rule.
fn state_rule(machine: &Machine) -> StateRule {
    if matches!(machine.feed, Feed::Left(_)) {
        return StateRule::standard();
    }
    let watts = |watts: i64| f64::from(i32::try_from(watts).expect("levels are small"));
    let levels = Levels {
        channel: Kind::Power.channel(),
        running_above: watts(machine.class.running_above_w()),
        running_below: watts(machine.class.running_below_w()),
        standby_above: Some(watts(machine.class.standby_above_w())),
        standby_below: None,
    };
    let alarm = machine.alarm.then(|| Alarm {
        channel: Kind::Alarm.channel(),
        mask: None,
    });
    StateRule {
        alarms: alarm.into_iter().collect(),
        ..StateRule::of_levels(levels, DWELL_MS, STALE_AFTER_MS)
    }
}

/// Returns everybody. `hash` gives the password hash of a person whose password is printed.
pub(super) fn members(world: &World, hash: impl Fn(usize) -> Option<String>) -> Vec<Member> {
    let member = |(at, person): (usize, &super::people::Person)| Member {
        id: member_id(at),
        login: person.login.clone(),
        display: Names {
            zh: person.zh.clone(),
            en: person.en.clone(),
        },
        password_hash: hash(at).unwrap_or_else(|| NO_PASSWORD.into()),
        roles: vec![RoleOn {
            role: person.role,
            node: node_id(person.node),
        }],
        active: true,
        version: 1,
    };
    world.people.iter().enumerate().map(member).collect()
}

/// Returns the rules set anywhere.
pub(super) fn rule_sets(world: &World) -> Vec<(Scope, Vec<Rule>)> {
    let convert = |set: &[rules::SetRule]| set.iter().copied().map(rules::rule).collect();
    let at_nodes = world.rules.iter();
    let at_nodes = at_nodes.map(|(at, set)| (Scope::Node(node_id(*at)), convert(set)));
    let own = world.machines.iter().enumerate();
    let own = own.map(|(at, machine)| (at, rules::own_rules(machine.class)));
    let own = own.filter(|(_, set)| !set.is_empty());
    at_nodes
        .chain(own.map(|(at, set)| (Scope::Instrument(instrument_id(at)), convert(set))))
        .collect()
}

/// Returns an agent as registered.
pub(super) fn agent(name: &AgentName, lab: usize, secret: &str, now: Micros) -> AgentEntry {
    let secret = SecretHash::of(secret);
    AgentEntry {
        name: name.clone(),
        lab: node_id(lab),
        secret,
        created_at: now,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::generate::{SEED, Size};
    use super::*;
    use crate::registry::Judgement;

    /// Monday, 4 May 2026, 10:07 in Shanghai, in minutes.
    const NOW: i64 = 1_777_824_000 / 60 + 607;

    fn world() -> World {
        World::make(
            SEED,
            Size {
                instruments: 400,
                history_days: 1,
                now_min: NOW,
            },
        )
    }

    #[test]
    fn parents_come_before_their_children_and_identities_are_dense() {
        let world = world();
        let nodes = nodes(&world);
        for (at, node) in (1..).zip(&nodes) {
            assert_eq!(node.id.get(), at);
            assert!(node.parent.is_none_or(|parent| parent.get() < at));
        }
        let ids = instruments(&world).into_iter().map(|one| one.id.get());
        assert!(ids.eq(1..=405), "with five drafts");
    }

    #[test]
    fn each_instrument_listens_to_the_agent_of_its_lab_or_one_of_its_own() {
        let world = world();
        let instruments = instruments(&world);
        for (machine, instrument) in world.machines.iter().zip(&instruments) {
            let agent = instrument.source.as_ref().map(|source| &source.agent);
            match &machine.feed {
                Feed::None => assert_eq!(agent, None),
                Feed::Simulated => assert_eq!(agent, Some(&agent_of(&world, machine.lab))),
                Feed::Left(own) => assert_eq!(agent, Some(own)),
            }
            let Judgement::Levels(levels) = &instrument.state_rule.judgement else {
                panic!("the demo judges by thresholds");
            };
            assert!(levels.running_below <= levels.running_above);
        }
        let lab = |at: &usize| world.places[*at].kind == NodeKind::Lab;
        let labs = (0..world.places.len()).filter(lab);
        let names: HashSet<AgentName> = labs.map(|at| agent_of(&world, at)).collect();
        assert!(names.contains(&AgentName::parse("lab-001").unwrap()));
        assert!(names.len() > 13);
    }

    #[test]
    fn only_printed_people_can_sign_in() {
        let world = world();
        let members = members(&world, |at| world.people[at].printed.then(|| "hash".into()));
        for (person, member) in world.people.iter().zip(members) {
            assert_eq!(person.printed, member.password_hash == "hash");
        }
    }

    #[test]
    fn rules_are_set_at_the_region_and_further_down() {
        let sets = rule_sets(&world());
        assert_eq!(sets[0].0, Scope::Node(node_id(0)));
        assert_eq!(sets[0].1.len(), 5);
        assert!(
            sets.iter()
                .any(|(scope, _)| matches!(scope, Scope::Instrument(_)))
        );
        let scopes: HashSet<Scope> = sets.iter().map(|(scope, _)| *scope).collect();
        assert_eq!(scopes.len(), sets.len());
    }
}
