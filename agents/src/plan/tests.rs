//! Tests of the planner: what it merges, and that no plan within the limits has fewer requests.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wire::{ChannelName, Quality};

use super::*;
use crate::register::{Kind, Order};

fn register(function: i64, address: u16, kind: Kind) -> Register {
    Register {
        channel: ChannelName::parse("x").unwrap(),
        function: Function::from_code(function).unwrap(),
        address,
        kind,
        order: Order::Abcd,
        scale: 1.0,
        offset: 0.0,
        unit: String::new(),
        not_a_value: Vec::new(),
        min: None,
        max: None,
        least: 0.0,
        ratios: Vec::new(),
        source: String::new(),
    }
}

fn limits(max_registers: u16, gap: u16) -> ReadLimits {
    ReadLimits {
        max_registers,
        gap,
        unmapped: Vec::new(),
    }
}

fn shape(blocks: &[Block]) -> Vec<(u8, u16, u16)> {
    let shapes = blocks.iter();
    shapes
        .map(|block| (block.function.code(), block.address, block.count))
        .collect()
}

#[test]
fn neighbours_are_merged_across_the_permitted_gap_only() {
    let registers = [
        register(4, 0x0C, Kind::F32),
        register(4, 0, Kind::F32),
        register(4, 6, Kind::F32),
        register(4, 0x46, Kind::F32),
        register(4, 0x48, Kind::F32),
        register(3, 0, Kind::U16),
    ];
    let tight = plan(&registers, &limits(125, 0));
    assert_eq!(
        shape(&tight),
        [(3, 0, 1), (4, 0, 2), (4, 6, 2), (4, 0x0C, 2), (4, 0x46, 4)]
    );
    let wide = plan(&registers, &limits(125, 4));
    assert_eq!(shape(&wide), [(3, 0, 1), (4, 0, 14), (4, 0x46, 4)]);
    let small = plan(&registers, &limits(8, 4));
    assert_eq!(
        shape(&small),
        [(3, 0, 1), (4, 0, 8), (4, 0x0C, 2), (4, 0x46, 4)]
    );
    let mut holed = limits(125, 4);
    let hole = |function, first, last| Unmapped {
        function,
        first,
        last,
    };
    // Only the hole of the right function between two registers counts.
    holed.unmapped = vec![
        hole(Function::InputRegisters, 9, 9),
        hole(Function::HoldingRegisters, 3, 3),
    ];
    assert_eq!(
        shape(&plan(&registers, &holed)),
        [(3, 0, 1), (4, 0, 8), (4, 0x0C, 2), (4, 0x46, 4)]
    );
    assert_eq!(
        shape(&tight[4].split(|index| registers.get(index))),
        [(4, 0x46, 2), (4, 0x48, 2)]
    );
}

#[test]
fn bits_of_one_register_share_a_request() {
    let registers = [register(3, 7, Kind::Bit(0)), register(3, 7, Kind::Bit(5))];
    assert_eq!(shape(&plan(&registers, &limits(125, 0))), [(3, 7, 1)]);
}

/// Whether one request may read from the first to the last of these registers.
fn is_permitted(group: &[&Register], all: &[Register], limits: &ReadLimits) -> bool {
    let function = group[0].function;
    let first = group.iter().map(|one| one.address).min().unwrap();
    let last = group.iter().map(|one| end(one)).max().unwrap();
    let is_named = |at: u16| {
        all.iter()
            .any(|one| one.function == function && (one.address..end(one)).contains(&at))
    };
    let is_unmapped = |at: u16| {
        limits
            .unmapped
            .iter()
            .any(|hole| hole.function == function && (hole.first..=hole.last).contains(&at))
    };
    let mut strangers = 0;
    for at in first..last {
        strangers = if is_named(at) { 0 } else { strangers + 1 };
        if strangers > limits.gap || (strangers > 0 && is_unmapped(at)) {
            return false;
        }
    }
    let is_one = group.iter().all(|one| one.function == function);
    is_one && (last - first <= limits.max_registers || group.len() == 1)
}

/// The fewest requests, found by trying every way to group the registers.
fn fewest(
    rest: &[Register],
    groups: &mut Vec<Vec<Register>>,
    all: &[Register],
    limits: &ReadLimits,
) -> usize {
    let Some((next, rest)) = rest.split_first() else {
        let is_good = groups
            .iter()
            .all(|group| is_permitted(&group.iter().collect::<Vec<_>>(), all, limits));
        return if is_good { groups.len() } else { usize::MAX };
    };
    let mut best = usize::MAX;
    for place in 0..=groups.len() {
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(next.clone());
        best = best.min(fewest(rest, groups, all, limits));
        groups[place].pop();
        groups.retain(|group| !group.is_empty());
    }
    best
}

/// A device's memory: every address of every function has a word of its own.
fn word(function: Function, address: u16) -> u16 {
    (address ^ 0x5A00).wrapping_mul(257) ^ u16::from(function.code())
}

/// Reads with these blocks as an agent does.
fn values(blocks: &[Block], registers: &[Register]) -> BTreeMap<usize, Result<f64, Quality>> {
    let mut values = BTreeMap::new();
    for block in blocks {
        let addresses = block.address..block.address + block.count;
        let words: Vec<u16> = addresses.map(|at| word(block.function, at)).collect();
        for index in &block.registers {
            let register = &registers[*index];
            let value = register.decode(block.words_of(register, &words));
            assert_eq!(values.insert(*index, value), None, "read twice");
        }
    }
    values
}

fn any_register() -> impl Strategy<Value = Register> {
    let kinds = [Kind::U16, Kind::I32, Kind::U64, Kind::Bit(3)];
    (1..=4_i64, 0..40_u16, 0..kinds.len()).prop_map(move |(function, address, kind)| {
        let kind = if function < 3 {
            Kind::Bit(0)
        } else {
            kinds[kind]
        };
        register(function, address, kind)
    })
}

fn any_limits() -> impl Strategy<Value = ReadLimits> {
    let hole = (1..=4_i64, 0..40_u16, 0..4_u16).prop_map(|(function, first, more)| Unmapped {
        function: Function::from_code(function).unwrap(),
        first,
        last: first + more,
    });
    let holes = prop::collection::vec(hole, 0..6);
    (4..20_u16, 0..8_u16, holes).prop_map(|(max_registers, gap, unmapped)| ReadLimits {
        max_registers,
        gap,
        unmapped,
    })
}

proptest! {
    #[test]
    fn a_plan_gives_what_single_reads_give_and_touches_nothing_forbidden(
        registers in prop::collection::vec(any_register(), 1..20),
        limits in any_limits(),
    ) {
        let blocks = plan(&registers, &limits);
        let naive: Vec<Block> =
            registers.iter().enumerate().map(|(index, one)| single(index, one)).collect();
        prop_assert_eq!(values(&blocks, &registers), values(&naive, &registers));
        for block in &blocks {
            let group: Vec<&Register> =
                block.registers.iter().map(|index| &registers[*index]).collect();
            prop_assert!(is_permitted(&group, &registers, &limits), "{block:?}");
            let first = group.iter().map(|one| one.address).min().unwrap();
            let last = group.iter().map(|one| end(one)).max().unwrap();
            prop_assert_eq!((block.address, block.count), (first, last - first));
        }
    }

    #[test]
    fn no_plan_within_the_limits_has_fewer_requests(
        registers in prop::collection::vec(any_register(), 1..7),
        limits in any_limits(),
    ) {
        // One function at a time: requests never cross functions.
        for code in 1..=4 {
            let function = Function::from_code(code).unwrap();
            let all: Vec<Register> =
                registers.iter().filter(|one| one.function == function).cloned().collect();
            let blocks = plan(&all, &limits);
            prop_assert_eq!(blocks.len(), fewest(&all, &mut Vec::new(), &all, &limits));
        }
    }
}
