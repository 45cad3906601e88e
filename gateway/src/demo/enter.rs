//! The world enters the gateway through the desk's own import: everything a region registers, with
//! its bookings and outages.

use std::collections::HashMap;

use scheduler::slot::Slot;
use scheduler::time::{MINUTE_US, Micros, Span};
use wire::AgentName;

use crate::booking::{Import, NewBooking, NewOutage};
use crate::credentials::{Passwords, new_password, new_secret};
use crate::registry::{Role, RuleSet, SecretHash, TokenEntry};

use super::calendar::Minutes;
use super::dice::Dice;
use super::enrol;
use super::fleet::Fleet;
use super::generate::{Feed, Machine, World};
use super::logins::{Login, OwnAgent};

/// How long the printed tokens hold.
const TOKENS_HOLD: Span = Span::days(90);

/// What people book for. Shared words: a hundred thousand different ones would only take memory.
const PURPOSES: [&str; 12] = [
    "样品测试",
    "课题数据采集",
    "方法开发",
    "本科教学实验",
    "委托检测",
    "论文补充实验",
    "重复性验证",
    "新样品表征",
    "仪器培训",
    "比对试验",
    "博士课题",
    "质量控制",
];

/// Projects, for some of the bookings.
const PROJECTS: [&str; 5] = [
    "国家自然科学基金",
    "自治区科技重大专项",
    "自治区自然科学基金",
    "企业横向课题",
    "校内基金",
];

/// Why an instrument is out.
const REASONS: [&str; 6] = [
    "年度检定",
    "定期保养",
    "更换耗材",
    "工程师上门维修",
    "光源更换",
    "真空系统检修",
];

/// What somebody signs in with.
#[derive(Debug)]
pub(super) struct Access {
    /// Index of the person.
    person: usize,
    password: String,
    token: String,
    hash: String,
}

/// What the people and agents of this run sign in with, besides the simulated agents.
#[derive(Debug)]
pub(super) struct Keys {
    access: Vec<Access>,
    /// Index of the instrument, name, secret.
    own_agents: Vec<(usize, AgentName, String)>,
}

impl Keys {
    /// Makes passwords, tokens and secrets for whoever is printed. Hashes on all cores.
    pub(super) fn make(world: &World, passwords: &Passwords) -> Self {
        let printed = world
            .people
            .iter()
            .enumerate()
            .filter(|(_, one)| one.printed);
        let printed: Vec<usize> = printed.map(|(at, _)| at).collect();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = printed.len().div_ceil(cores).max(1);
        let make = |person: usize| {
            let password = new_password();
            let hash = passwords.hash_here(&password);
            Access {
                person,
                password,
                token: format!("ort_{}", new_secret()),
                hash,
            }
        };
        let access = std::thread::scope(|scope| {
            let shares = printed.chunks(share);
            let work: Vec<_> = shares
                .map(|share| scope.spawn(|| share.iter().map(|at| make(*at)).collect::<Vec<_>>()))
                .collect();
            work.into_iter()
                .flat_map(|work| work.join().expect("hashing does not panic"))
                .collect()
        });
        let left = |(at, machine): (usize, &Machine)| match &machine.feed {
            Feed::Left(name) => Some((at, name.clone(), new_secret())),
            Feed::None | Feed::Simulated => None,
        };
        Self {
            access,
            own_agents: world.machines.iter().enumerate().filter_map(left).collect(),
        }
    }

    /// Returns the logins to hand out.
    pub(super) fn logins(&self, world: &World) -> Vec<Login> {
        let people = self
            .access
            .iter()
            .filter_map(|one| Some((one, world.people.get(one.person)?)));
        let login = |(one, person): (&Access, &super::people::Person)| Login {
            role: person.role.as_str(),
            name: person.login.clone(),
            display_name: person.zh.clone(),
            password: one.password.clone(),
            token: one.token.clone(),
        };
        people.map(login).collect()
    }

    /// Returns the agents to hand out.
    pub(super) fn agents(&self, world: &World) -> Vec<OwnAgent> {
        let machines = self.own_agents.iter();
        let machines = machines.filter_map(|own| Some((own, world.machines.get(own.0)?)));
        let agent =
            |((_, name, secret), machine): (&(usize, AgentName, String), &Machine)| OwnAgent {
                name: name.to_string(),
                secret: secret.clone(),
                lab: enrol::node_id(machine.lab).get(),
                instrument: machine.key.to_string(),
            };
        machines.map(agent).collect()
    }
}

/// Returns everything the desk is to import.
pub(super) fn import(world: &World, fleet: &Fleet, keys: &Keys, now: Micros) -> Import {
    let hashes: HashMap<usize, &str> = keys
        .access
        .iter()
        .map(|one| (one.person, one.hash.as_str()))
        .collect();
    let simulated = fleet.credentials();
    let mut agents: Vec<_> = simulated
        .map(|(name, lab, secret)| enrol::agent(name, lab, secret, now))
        .collect();
    for (machine, name, secret) in &keys.own_agents {
        let lab = world
            .machines
            .get(*machine)
            .map_or(0, |machine| machine.lab);
        agents.push(enrol::agent(name, lab, secret, now));
    }
    let token = |(id, one): (i64, &Access)| {
        let entry = TokenEntry {
            id,
            member: enrol::member_id(one.person),
            name: "demo".into(),
            created_at: now,
            expires_at: now.saturating_add(TOKENS_HOLD),
            read_only: false,
        };
        (SecretHash::of(&one.token), entry)
    };
    let rule_set = |rules| RuleSet { version: 0, rules };
    let rules = enrol::rule_sets(world).into_iter();
    Import {
        nodes: enrol::nodes(world),
        instruments: enrol::instruments(world),
        members: enrol::members(world, |at| hashes.get(&at).map(|hash| (*hash).to_owned())),
        agents,
        tokens: (1..).zip(&keys.access).map(token).collect(),
        rules: rules
            .map(|(scope, rules)| (scope, rule_set(rules)))
            .collect(),
        outages: outages(world, now),
        bookings: bookings(world, now),
    }
}

fn slot((start, end): Minutes) -> Slot {
    let micros = |minutes: i64| Micros::new(minutes * MINUTE_US);
    Slot::new(micros(start), micros(end)).expect("the world's slots are not empty")
}

/// Returns a moment some hours before something begins, but not after now.
fn decided(start: Micros, now: Micros, dice: &mut Dice) -> Micros {
    let before = Span::minutes(u32::try_from(dice.between(60, 9 * 1_440)).unwrap_or(60));
    let lately = Span::minutes(u32::try_from(dice.between(1, 600)).unwrap_or(1));
    start.saturating_sub(before).min(now.saturating_sub(lately))
}

fn outages(world: &World, now: Micros) -> Vec<NewOutage> {
    let managers: HashMap<usize, usize> = world
        .people
        .iter()
        .enumerate()
        .filter(|(_, one)| one.role == Role::Manager)
        .map(|(at, one)| (one.node, at))
        .collect();
    let mut outages = Vec::new();
    for (at, machine) in world.machines.iter().enumerate() {
        let mut dice = Dice::of(world.seed, &[10, machine.number]);
        let manager = managers.get(&machine.lab).copied().unwrap_or(0);
        for window in &machine.outages {
            let slot = slot(*window);
            outages.push(NewOutage {
                instrument: enrol::instrument_id(at),
                slot,
                reason: (*dice.pick(&REASONS)).to_owned(),
                opened_by: enrol::member_id(manager),
                created_at: decided(slot.start(), now, &mut dice),
            });
        }
    }
    outages
}

/// Returns the bookings, instrument after instrument.
fn bookings(world: &World, now: Micros) -> Vec<NewBooking> {
    let many = world
        .machines
        .iter()
        .map(|machine| machine.booked.len())
        .sum();
    let mut bookings = Vec::with_capacity(many);
    for (at, machine) in world.machines.iter().enumerate() {
        let mut dice = Dice::of(world.seed, &[11, machine.number]);
        for (window, person) in machine.booked.iter().zip(&machine.bookers) {
            let slot = slot(*window);
            let project = dice.chance(150).then(|| (*dice.pick(&PROJECTS)).to_owned());
            bookings.push(NewBooking {
                instrument: enrol::instrument_id(at),
                member: enrol::member_id(*person),
                slot,
                purpose: (*dice.pick(&PURPOSES)).to_owned(),
                project,
                created_at: decided(slot.start(), now, &mut dice),
            });
        }
    }
    bookings
}

#[cfg(test)]
mod tests {
    use super::super::generate::{SEED, Size};
    use super::*;

    /// Monday, 4 May 2026, 10:07 in Shanghai, in minutes.
    const NOW: i64 = 1_777_824_000 / 60 + 607;

    #[test]
    fn everything_refers_to_what_is_there() {
        let size = Size {
            instruments: 60,
            history_days: 6,
            now_min: NOW,
        };
        let world = World::make(SEED, size);
        let keys = Keys::make(&world, &Passwords::new(8_192));
        let now = Micros::new(NOW * MINUTE_US);
        let import = import(&world, &Fleet::new(&world), &keys, now);
        let nodes = i64::try_from(import.nodes.len()).unwrap();
        let members = i64::try_from(import.members.len()).unwrap();
        assert!(
            import
                .instruments
                .iter()
                .all(|one| (1..=nodes).contains(&one.lab.get()))
        );
        assert!(
            import
                .bookings
                .iter()
                .all(|one| (1..=members).contains(&one.member.get()))
        );
        assert!(import.bookings.iter().all(|one| one.created_at < now));
        assert!(import.outages.iter().all(|one| one.created_at < now));
        let names: Vec<&AgentName> = import.agents.iter().map(|agent| &agent.name).collect();
        let sources = import
            .instruments
            .iter()
            .filter_map(|one| one.source.as_ref());
        assert!(
            sources
                .into_iter()
                .all(|source| names.contains(&&source.agent))
        );
        assert_eq!(import.tokens.len(), keys.logins(&world).len());
        assert_eq!(keys.agents(&world).len(), 3);
    }

    #[tokio::test]
    async fn who_is_printed_can_sign_in() {
        let size = Size {
            instruments: 20,
            history_days: 1,
            now_min: NOW,
        };
        let world = World::make(SEED, size);
        let passwords = Passwords::new(8_192);
        let keys = Keys::make(&world, &passwords);
        let logins = keys.logins(&world);
        assert_eq!(logins.len(), 22);
        let first = &keys.access[0];
        assert!(
            passwords
                .verify(first.password.clone(), Some(&first.hash))
                .await
        );
    }
}
