//! The whole world of the demo, made from a seed, the moment and the wanted size. The same three
//! give the same world; nothing here asks a clock or a real source of chance.

use wire::{AgentName, InstrumentKey};

use crate::registry::{NodeKind, Role};

use super::calendar::{self, Minutes};
use super::classes::Class;
use super::day::{Habits, UseBy};
use super::dice::Dice;
use super::people::{self, Person};
use super::places::{self, Place};
use super::rules::{self, House, SetRule};

/// The seed of the demo people see; any other gives another region.
pub(super) const SEED: u64 = 0x4F72_746F_6F32;

/// Instruments of an average laboratory.
const INSTRUMENTS_PER_LAB: usize = 18;

/// Published instruments for each one that is still a draft.
const INSTRUMENTS_PER_DRAFT: usize = 70;

/// Instruments left to agents of one's own.
const LEFT_TO_AGENTS: usize = 3;

/// Instruments with one reading a minute in their history.
const MINUTELY_MAX: usize = 50;

/// Where an instrument's telemetry comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Feed {
    /// Nobody measures it.
    None,
    /// The simulated agent of its laboratory.
    Simulated,
    /// An agent of one's own, which nobody has started yet.
    Left(AgentName),
}

/// How close together the readings of an instrument's history are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// When something changes, and every hour.
    ByException,
    /// Every minute besides.
    Minutely,
}

/// An instrument of the demo.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    /// Its asset code.
    pub(super) key: InstrumentKey,
    /// Its number, from 0; the code counts from 1.
    pub(super) number: i64,
    /// Its class.
    pub(super) class: &'static Class,
    /// Who made it.
    pub(super) maker: &'static str,
    /// Its model.
    pub(super) model: &'static str,
    /// Its room.
    pub(super) room: String,
    /// Index of its laboratory among the places.
    pub(super) lab: usize,
    /// Where its telemetry comes from.
    pub(super) feed: Feed,
    /// Whether it reports an alarm.
    pub(super) alarm: bool,
    /// Whether it can be booked.
    pub(super) bookable: bool,
    /// Whether the public sees it.
    pub(super) published: bool,
    /// How close its history is.
    pub(super) detail: Detail,
    /// Bookings, ascending and disjoint.
    pub(super) booked: Vec<Minutes>,
    /// Who made each of them: indexes of people.
    pub(super) bookers: Vec<usize>,
    /// Outages, ascending and disjoint.
    pub(super) outages: Vec<Minutes>,
}

/// The whole world.
#[derive(Debug)]
pub(super) struct World {
    /// What it was made from.
    pub(super) seed: u64,
    /// The tree.
    pub(super) places: Vec<Place>,
    /// Rules set at nodes: index of the place, rules.
    pub(super) rules: Vec<(usize, Vec<SetRule>)>,
    /// Everybody.
    pub(super) people: Vec<Person>,
    /// Instruments, by laboratory.
    pub(super) machines: Vec<Machine>,
}

/// How large the world is and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// Published instruments, at least 1.
    pub(super) instruments: usize,
    /// Days of history.
    pub(super) history_days: i64,
    /// Now, in minutes since 1970 UTC.
    pub(super) now_min: i64,
}

impl World {
    /// Returns a copy without bookings, for those who live on in it: bookings change, and whoever
    /// follows them is told.
    pub(super) fn without_bookings(&self) -> Self {
        let without = |machine: &Machine| Machine {
            booked: Vec::new(),
            bookers: Vec::new(),
            ..machine.clone()
        };
        Self {
            seed: self.seed,
            places: self.places.clone(),
            rules: Vec::new(),
            people: Vec::new(),
            machines: self.machines.iter().map(without).collect(),
        }
    }

    /// Makes the world.
    pub(super) fn make(seed: u64, size: Size) -> Self {
        let labs = size
            .instruments
            .div_ceil(INSTRUMENTS_PER_LAB)
            .max(size.instruments.min(13));
        let places = places::tree(labs);
        let people = people::people(&places, &mut Dice::of(seed, &[1]));
        let rules = node_rules(&places, &mut Dice::of(seed, &[2]));
        let machines = machines(&places, size.instruments, &mut Dice::of(seed, &[3]));
        let mut world = Self {
            seed,
            places,
            rules,
            people,
            machines,
        };
        world.leave_some_to_agents();
        world.keep_one_busy();
        world.choose_detail();
        world.fill_calendars(size);
        world
    }

    /// Returns what a machine's days depend on.
    pub(super) fn habits<'a>(&self, machine: &'a Machine) -> Habits<'a> {
        Habits {
            seed: self.seed,
            number: machine.number,
            class: machine.class,
            alarm: machine.alarm,
            booked: &machine.booked,
            use_by: match (machine.bookable, machine.class.runs_overnight()) {
                (true, _) => UseBy::Booking,
                (false, false) => UseBy::WalkUp,
                (false, true) => UseBy::Endurance,
            },
        }
    }

    /// Returns what is in force for a machine.
    pub(super) fn house(&self, machine: &Machine) -> House {
        let up = |at: &usize| self.places.get(*at)?.parent;
        let mut path: Vec<usize> = std::iter::successors(Some(machine.lab), up).collect();
        path.reverse();
        let set = |at: usize| self.rules.iter().find(|(place, _)| *place == at);
        let at_nodes = path
            .into_iter()
            .filter_map(set)
            .map(|(_, rules)| rules.as_slice());
        let layers: Vec<&[SetRule]> = at_nodes.chain([rules::own_rules(machine.class)]).collect();
        rules::in_force(&layers)
    }

    /// Takes one instrument each of the first laboratories out of the simulation: bookable, public
    /// ones, for people who try an agent of their own. The only instrument of a world is not taken.
    fn leave_some_to_agents(&mut self) {
        let most = LEFT_TO_AGENTS.min(self.machines.len().saturating_sub(1));
        let mut taken: Vec<usize> = Vec::new();
        for at in (0..self.machines.len()).rev() {
            let here = self.machines.get(at).map(|machine| machine.lab);
            let next = self.machines.get(at + 1).map(|machine| machine.lab);
            if here != next {
                taken.push(at);
            }
        }
        taken.reverse();
        let others = (0..self.machines.len())
            .rev()
            .filter(|at| !taken.contains(at));
        let chosen: Vec<usize> = taken.iter().copied().chain(others).take(most).collect();
        for (name, at) in (1..).zip(chosen) {
            let name = AgentName::parse(&format!("own-{name}")).expect("the form is valid");
            let machine = self
                .machines
                .get_mut(at)
                .expect("chosen among the machines");
            machine.feed = Feed::Left(name);
            (machine.bookable, machine.published) = (true, true);
        }
    }

    /// Lets an instrument run an endurance test, so that even a small world is not all quiet at
    /// night; a world of a few instruments stays as it is.
    fn keep_one_busy(&mut self) {
        let fit = |machine: &&mut Machine| {
            machine.published && machine.feed == Feed::Simulated && machine.class.runs_overnight()
        };
        let few = self.machines.len() < INSTRUMENTS_PER_LAB;
        if let Some(machine) = self.machines.iter_mut().rev().find(fit).filter(|_| !few) {
            machine.bookable = false;
        }
    }

    /// Gives some of the instruments people look at first a history by the minute.
    fn choose_detail(&mut self) {
        let fit = |machine: &Machine| {
            machine.published && machine.bookable && machine.feed == Feed::Simulated
        };
        let many = self.machines.iter().filter(|machine| fit(machine)).count();
        let every = (many / MINUTELY_MAX).max(1);
        let chosen = self
            .machines
            .iter_mut()
            .filter(|machine| fit(machine))
            .step_by(every);
        for machine in chosen.take(MINUTELY_MAX) {
            machine.detail = Detail::Minutely;
        }
    }

    fn fill_calendars(&mut self, size: Size) {
        let history = size.history_days * calendar::DAY_MIN;
        let window = (
            size.now_min - history,
            size.now_min + 14 * calendar::DAY_MIN,
        );
        let houses: Vec<House> = self
            .machines
            .iter()
            .map(|machine| self.house(machine))
            .collect();
        let researchers = self
            .people
            .iter()
            .filter(|one| one.role == Role::Researcher)
            .count();
        let mut at_home: Vec<Vec<usize>> = vec![Vec::new(); self.places.len()];
        for (at, one) in self.people.iter().enumerate().take(researchers) {
            at_home
                .get_mut(one.home)
                .expect("homes are places")
                .push(at);
        }
        let everybody: Vec<usize> = (0..researchers).collect();
        for (machine, house) in self.machines.iter_mut().zip(houses) {
            let mut dice = Dice::of(self.seed, &[4, machine.number]);
            machine.outages = calendar::outages(size.now_min, history, &mut dice);
            if !machine.bookable {
                continue;
            }
            let demand = dice.between(15, 95);
            let outages = &machine.outages;
            machine.booked =
                calendar::fill(machine.class, &house, demand, outages, window, &mut dice);
            let neighbours = at_home.get(machine.lab).filter(|list| !list.is_empty());
            let neighbours = neighbours.unwrap_or(&everybody);
            let booker = |_: &Minutes| {
                let near = dice.chance(750);
                *dice.pick(if near { neighbours } else { &everybody })
            };
            machine.bookers = machine.booked.iter().map(booker).collect();
        }
    }
}

fn node_rules(places: &[Place], dice: &mut Dice) -> Vec<(usize, Vec<SetRule>)> {
    let mut set = vec![(0, rules::REGION.to_vec())];
    let last = places
        .iter()
        .rposition(|place| place.kind == NodeKind::Centre);
    if let Some(last) = last {
        set.push((last, rules::STRICT_CENTRE.to_vec()));
    }
    for (at, place) in places.iter().enumerate() {
        if place.kind == NodeKind::Lab {
            match dice.between(0, 99) {
                0..=9 => set.push((at, rules::SHORT_DAYS.to_vec())),
                10..=17 => set.push((at, rules::COARSE.to_vec())),
                _ => {}
            }
        }
    }
    set
}

/// Spreads the instruments over the laboratories: a shared platform owns about twice as many.
fn machines(places: &[Place], many: usize, dice: &mut Dice) -> Vec<Machine> {
    let labs = places
        .iter()
        .enumerate()
        .filter(|(_, place)| place.kind == NodeKind::Lab);
    let weigh = |(at, place): (usize, &Place), dice: &mut Dice| {
        let weight = if place.fields.len() > 1 {
            dice.between(24, 44)
        } else {
            dice.between(9, 25)
        };
        (at, usize::try_from(weight).expect("positive"))
    };
    let weights: Vec<(usize, usize)> = labs.map(|lab| weigh(lab, dice)).collect();
    let total: usize = weights.iter().map(|(_, weight)| weight).sum();
    let mut machines = Vec::with_capacity(many);
    let mut sum = 0;
    for (lab, weight) in weights {
        sum += weight;
        let place = places.get(lab).expect("an index of a place");
        let classes = places::classes_of(place);
        let building = *dice.pick(&["A", "B", "C", "D", "E"]);
        let floor = dice.between(1, 6);
        while machines.len() < many * sum / total {
            let room = format!("{building}{floor}{:02}", dice.between(1, 24));
            let class = *dice.pick(&classes);
            machines.push(machine(machines.len(), class, room, lab, dice));
        }
    }
    // Besides, the last laboratory is entering a delivery: drafts, which the public does not see.
    for _ in 0..many / INSTRUMENTS_PER_DRAFT {
        let Some((class, lab)) = machines.last().map(|last| (last.class, last.lab)) else {
            break;
        };
        let draft = machine(machines.len(), class, "A101".into(), lab, dice);
        machines.push(Machine {
            published: false,
            bookable: false,
            feed: Feed::None,
            ..draft
        });
    }
    machines
}

fn machine(at: usize, class: &'static Class, room: String, lab: usize, dice: &mut Dice) -> Machine {
    let (maker, model) = *dice.pick(&class.models);
    let measured = dice.chance(930);
    Machine {
        key: InstrumentKey::parse(&format!("NM-{:05}", at + 1)).expect("the form is valid"),
        number: i64::try_from(at).expect("instruments are few"),
        class,
        maker,
        model,
        room,
        lab,
        feed: if measured {
            Feed::Simulated
        } else {
            Feed::None
        },
        alarm: dice.chance(400),
        bookable: dice.chance(920),
        published: true,
        detail: Detail::ByException,
        booked: Vec::new(),
        bookers: Vec::new(),
        outages: Vec::new(),
    }
}

#[cfg(test)]
#[path = "generate_tests.rs"]
mod tests;
