//! Tests of profiles: faults with their lines, and what each built-in map makes of registers.

use super::*;

#[test]
fn built_in_profiles_are_sound_and_name_their_sources() {
    let profiles = Profiles::built_in();
    for (name, _) in BUILT_IN {
        let profile = profiles.get(name).unwrap();
        assert!(!profile.title.is_empty() && !profile.source.is_empty());
        for register in &profile.registers {
            assert!(!register.source.is_empty(), "{name} {}", register.channel);
        }
    }
}

#[test]
fn pzem_values_come_low_word_first() {
    let profile = Profiles::built_in().get("pzem017").unwrap();
    assert_eq!(profile.blocks.len(), 1);
    let words = [1207, 420, 0x86A0, 0x0001, 7, 0, 0xFFFF, 0];
    let block = &profile.blocks[0];
    let values: Vec<_> = profile
        .registers
        .iter()
        .map(|register| register.decode(block.words_of(register, &words)).unwrap())
        .collect();
    assert_eq!(values, [12.07, 4.2, 10_000.0, 7.0, 1.0, 0.0]);
}

#[test]
fn every_fault_of_a_profile_is_listed_with_its_line() {
    let text = "title = \"x\"\nmax_registers = 126\n\n[[register]]\nchannel = \"Power\"\n\
                function = 5\naddress = 70000\ntype = \"f16\"\nscale = 0\n\n[[register]]\n\
                channel = \"a\"\nfunction = 1\naddress = 0\ntype = \"u16\"\nunitt = \"W\"\n\n\
                [[register]]\nchannel = \"b\"\nfunction = 3\naddress = 65535\ntype = \"u32\"\n\
                order = \"abcd\"\n";
    let Err(Faults(faults)) = Profile::parse("x", "x.toml", text) else {
        panic!("faults were expected");
    };
    let lines: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [2, 5, 6, 7, 8, 9, 11, 16, 23], "{}", Faults(faults));
}

#[test]
fn a_folder_adds_profiles_and_reports_all_broken_ones() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
    };
    write("mine.toml", include_str!("../../profiles/generic.toml"));
    write("notes.txt", "not a profile");
    let mut profiles = Profiles::built_in();
    profiles.add_folder(folder.path()).unwrap();
    assert_eq!(profiles.get("mine").unwrap().name, "mine");
    write("one.toml", "title = 1");
    write("two.toml", "= = =");
    let Faults(faults) = profiles.add_folder(folder.path()).unwrap_err();
    let files: std::collections::BTreeSet<_> =
        faults.iter().map(|fault| fault.file.clone()).collect();
    assert_eq!(files.len(), 2);
}
