//! Golden registers: what each built-in profile makes of an image of its device's registers.

use std::collections::BTreeMap;

use wire::Quality;

use super::*;
use crate::decode::{Value, note, values};
use crate::register::{Function, Kind};

mod images;

use images::GOLDEN;

/// A device's registers by function and address.
type Image = BTreeMap<(u8, u16), u16>;

/// What a device of this image is read as, channel by channel.
fn read(profile: &Profile, image: &Image) -> BTreeMap<String, Value> {
    let mut numbers = vec![Err(Quality::Other); profile.reads()];
    for block in &profile.blocks {
        let addresses = block.address..block.address + block.count;
        // What the profile may read across is there, and its value does not matter.
        let word = |at| image.get(&(block.function.code(), at)).copied();
        let words: Vec<u16> = addresses.map(|at| word(at).unwrap_or(0xDEAD)).collect();
        note(block, profile, Ok(&words), &mut numbers);
    }
    let channels = profile.registers.iter().map(|one| one.channel.to_string());
    channels.zip(values(profile, &numbers)).collect()
}

fn image(parts: &[(u8, u16, &str)]) -> Image {
    let mut image = Image::new();
    for (function, first, words) in parts {
        for (at, word) in (*first..).zip(words.split_whitespace()) {
            let word = u16::from_str_radix(word, 16).unwrap();
            assert_eq!(image.insert((*function, at), word), None);
        }
    }
    image
}

#[test]
fn every_built_in_profile_reads_its_golden_registers() {
    for golden in &GOLDEN {
        let profile = Profiles::built_in().get(golden.profile).unwrap();
        let found = read(&profile, &image(golden.registers));
        let named = golden.values.iter();
        let expected: BTreeMap<String, Value> = named
            .map(|(channel, value)| ((*channel).to_owned(), Ok(*value)))
            .collect();
        assert_eq!(found, expected, "{}", golden.profile);
    }
    // `generic` is no device, and `pzem017` has a test of its own.
    let mut tested: Vec<&str> = GOLDEN.iter().map(|golden| golden.profile).collect();
    tested.extend(["generic", "pzem017"]);
    for (name, _) in BUILT_IN {
        assert!(tested.contains(&name), "{name} has no golden registers");
    }
}

#[test]
fn what_a_device_does_not_measure_is_no_value() {
    let nothing: [(&str, &str, u8, u16, &str); 7] = [
        ("sdm630", "voltage_l2_v", 4, 0x0002, "7FC0 0000"),
        ("pm5000", "current_l1_a", 3, 2999, "FFC0 0000"),
        ("pm5000", "energy_wh", 3, 3203, "8000 0000 0000 0000"),
        ("iem3000", "voltage_l1_v", 3, 3027, "7FFF FFFF"),
        ("em340", "power_w", 4, 0x0028, "FFFF 7FFF"),
        ("em340", "frequency_hz", 4, 0x0033, "7FFF"),
        ("em24-e1", "current_l3_a", 4, 0x0010, "FFFF 7FFF"),
    ];
    for (name, channel, function, address, words) in nothing {
        let golden = GOLDEN.iter().find(|golden| golden.profile == name).unwrap();
        let mut registers = image(golden.registers);
        registers.extend(image(&[(function, address, words)]));
        let found = read(&Profiles::built_in().get(name).unwrap(), &registers);
        assert_eq!(found[channel], Err(Quality::NotAValue), "{name} {channel}");
        let others = found.iter().filter(|(other, _)| *other != channel);
        assert!(
            others.clone().all(|(_, value)| value.is_ok()),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn words_in_another_order_are_never_shown_as_nothing() {
    for golden in &GOLDEN {
        let profile = Profiles::built_in().get(golden.profile).unwrap();
        let right = image(golden.registers);
        let mut swapped = right.clone();
        for register in profile.registers.iter().filter(|one| one.words() == 2) {
            let place = |at| (register.function.code(), at);
            let (first, second) = (place(register.address), place(register.address + 1));
            swapped.insert(first, right[&second]);
            swapped.insert(second, right[&first]);
        }
        let truth = read(&profile, &right);
        for (channel, value) in read(&profile, &swapped) {
            let is_wide = profile.registers.iter().any(|one| {
                one.channel.as_str() == channel && matches!(one.kind, Kind::F32 | Kind::I32)
            });
            let is_zero = truth[&channel].is_ok_and(|true_value| true_value.abs() < 1e-9);
            // A swapped word pair is out of range or wildly wrong, never something near 0.
            let near = value.is_ok_and(|value| value.abs() < 1e-6);
            assert!(
                !is_wide || is_zero || !near,
                "{} {channel}: {value:?}",
                golden.profile
            );
        }
    }
}

#[test]
fn a_transformer_ratio_that_the_meter_does_not_give_leaves_its_values_out() {
    let golden = GOLDEN
        .iter()
        .find(|golden| golden.profile == "adl400")
        .unwrap();
    let profile = Profiles::built_in().get("adl400").unwrap();
    for (ct, reason) in [(0, Quality::OutOfRange), (10_000, Quality::OutOfRange)] {
        let mut registers = image(golden.registers);
        registers.insert((3, 0x8E), ct);
        let found = read(&profile, &registers);
        for (channel, value) in &found {
            let has_ct = !channel.starts_with("voltage") && !channel.starts_with("frequency");
            assert_eq!(value.err(), has_ct.then_some(reason), "{channel}");
        }
    }
}

#[test]
fn requests_are_few() {
    let requests = |name: &str| {
        let profile = Profiles::built_in().get(name).unwrap();
        let blocks = profile.blocks.iter();
        blocks
            .map(|block| (block.address, block.count))
            .collect::<Vec<_>>()
    };
    assert_eq!(requests("sdm630"), [(0, 18), (0x34, 2), (0x46, 4)]);
    assert_eq!(
        requests("dtsu666"),
        [(0x101E, 2), (0x2006, 20), (0x2044, 2)]
    );
    assert_eq!(requests("pm5000"), [(2999, 62), (3109, 2), (3203, 4)]);
    assert_eq!(requests("em340"), [(0, 0x2A), (0x33, 3)]);
    assert_eq!(requests("adl400").len(), 5);
    let function = |name| Profiles::built_in().get(name).unwrap().registers[0].function;
    assert_eq!(function("em340"), Function::InputRegisters);
    assert_eq!(function("pm5000"), Function::HoldingRegisters);
}
