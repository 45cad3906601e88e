//! The people of the demo: invented Han and Mongolian names with romanisation, and their roles.
//!
//! Names are data (`data/people.txt`): family names, given names, Mongolian names (which stand
//! alone). Every laboratory has a manager and researchers of its own; researchers may book anywhere
//! in the region, as its sharing rules say.

use crate::registry::{NodeKind, Role};

use super::dice::Dice;
use super::places::Place;

const NAMES: &str = include_str!("data/people.txt");

/// Researchers whose passwords are printed.
pub(super) const RESEARCHERS_PRINTED: usize = 16;

/// Managers whose passwords are printed; they run the first laboratories.
pub(super) const MANAGERS_PRINTED: usize = 3;

/// Researchers at the least, so that a small demo has people too.
const RESEARCHERS_MIN: usize = 64;

/// Researchers of one laboratory.
const RESEARCHERS_PER_LAB: usize = 5;

/// Mongolian names among all, of 1000.
const MONGOLIAN_PER_MILLE: i64 = 350;

/// The region's node.
const REGION: usize = 0;

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The name to sign in with.
    pub(super) login: String,
    /// Chinese name.
    pub(super) zh: String,
    /// Romanised name.
    pub(super) en: String,
    /// Role.
    pub(super) role: Role,
    /// Index of the node the role is on.
    pub(super) node: usize,
    /// Index of the laboratory somebody works in; of the node for those who work in none.
    pub(super) home: usize,
    /// Whether the password is printed and known to anybody.
    pub(super) printed: bool,
}

struct Names {
    surnames: Vec<(&'static str, &'static str)>,
    given: Vec<(&'static str, &'static str)>,
    mongolian: Vec<(&'static str, &'static str)>,
}

impl Names {
    fn read() -> Self {
        let list = |title: &str| {
            let mut lines = NAMES.lines().skip_while(|line| *line != title).skip(1);
            let names = lines.next().unwrap_or_default().split(',');
            let names: Option<Vec<_>> = names.map(|name| name.split_once(' ')).collect();
            names.expect("the built-in names are right")
        };
        Self {
            surnames: list("surnames"),
            given: list("given"),
            mongolian: list("mongolian"),
        }
    }

    fn throw(&self, dice: &mut Dice) -> (String, String) {
        if dice.chance(MONGOLIAN_PER_MILLE) {
            let (zh, en) = dice.pick(&self.mongolian);
            return ((*zh).to_owned(), (*en).to_owned());
        }
        let (surname, surname_en) = dice.pick(&self.surnames);
        let (given, given_en) = dice.pick(&self.given);
        (
            format!("{surname}{given}"),
            format!("{given_en} {surname_en}"),
        )
    }
}

/// Returns everybody: researchers first, then a manager for each laboratory, an administrator of the
/// first centre, one of the region, and an auditor.
pub(super) fn people(places: &[Place], dice: &mut Dice) -> Vec<Person> {
    let names = Names::read();
    let nodes = |kind| {
        let places = places.iter().enumerate();
        places
            .filter(move |(_, place)| place.kind == kind)
            .map(|(at, _)| at)
    };
    let labs: Vec<usize> = nodes(NodeKind::Lab).collect();
    let mut people = Vec::new();
    let mut add = |login: String, role: Role, node: usize, home: usize, printed: bool| {
        let (zh, en) = names.throw(dice);
        people.push(Person {
            login,
            zh,
            en,
            role,
            node,
            home,
            printed,
        });
    };
    let researchers = (labs.len() * RESEARCHERS_PER_LAB).max(RESEARCHERS_MIN);
    for (at, home) in (0..researchers).zip(labs.iter().cycle()) {
        let login = format!("researcher{:02}", at + 1);
        add(
            login,
            Role::Researcher,
            *home,
            *home,
            at < RESEARCHERS_PRINTED,
        );
    }
    for (at, lab) in labs.iter().enumerate() {
        add(
            format!("manager{:02}", at + 1),
            Role::Manager,
            *lab,
            *lab,
            at < MANAGERS_PRINTED,
        );
    }
    let centre = nodes(NodeKind::Centre).next().unwrap_or(REGION);
    add("centre01".into(), Role::CentreAdmin, centre, centre, true);
    add("region01".into(), Role::RegionAdmin, REGION, REGION, true);
    add("auditor01".into(), Role::Auditor, REGION, REGION, true);
    people
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn everybody(labs: usize) -> Vec<Person> {
        people(&places::tree(labs), &mut Dice::new(3))
    }

    #[test]
    fn all_roles_are_there_and_enough_are_printed() {
        for labs in [3, 13, 400] {
            let people = everybody(labs);
            let count = |role, printed: bool| {
                people
                    .iter()
                    .filter(|one| one.role == role && (one.printed || !printed))
                    .count()
            };
            assert!(count(Role::Researcher, false) >= 60);
            assert_eq!(count(Role::Researcher, true), 16);
            assert_eq!(count(Role::Manager, true), 3);
            for role in [Role::CentreAdmin, Role::RegionAdmin, Role::Auditor] {
                assert_eq!(count(role, true), 1);
            }
        }
    }

    #[test]
    fn logins_differ_and_names_come_in_both_scripts() {
        let people = everybody(400);
        let mut logins: Vec<_> = people.iter().map(|one| one.login.as_str()).collect();
        logins.sort_unstable();
        logins.dedup();
        assert_eq!(logins.len(), people.len());
        assert!(
            people
                .iter()
                .all(|one| !one.zh.is_ascii() && one.en.is_char_boundary(1))
        );
        assert_eq!(people, everybody(400));
    }
}
