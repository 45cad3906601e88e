//! House rules that no compiler checks: lengths, headers, who depends on whom, forbidden words.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tests::process::workspace;

/// Most lines of a source file.
const LINES_MAX: usize = 400;

/// Endings of files that people write and read.
const SOURCES: [&str; 8] = ["rs", "ts", "svelte", "css", "py", "sql", "mjs", "js"];

/// File names that say nothing.
const EMPTY_NAMES: [&str; 8] = [
    "util", "utils", "helper", "helpers", "common", "types", "manager", "misc",
];

/// Who may depend on whom inside the workspace; the tests may on all.
const MAY_USE: [(&str, &[&str]); 5] = [
    ("scheduler", &[]),
    ("wire", &[]),
    ("dashboards", &[]),
    ("agents", &["wire"]),
    ("gateway", &["scheduler", "wire", "agents", "dashboards"]),
];

/// Texts that must not be in Rust sources, the files that may hold them, and why. Each is written
/// in two parts, so that this file does not hold it.
const FORBIDDEN: [(&[&str], &[&str], &str); 7] = [
    (
        &["Utc::", "now"],
        &["gateway/src/clock.rs"],
        "time is injected: take a Clock",
    ),
    (
        &["SystemTime::", "now"],
        &["gateway/src/clock.rs", "agents/src/clock.rs"],
        "time is injected: take a clock",
    ),
    (&["unbounded_", "channel"], &[], "every queue is bounded"),
    (&["#[", "allow("], &[], "use expect, with a reason"),
    (&["#![", "allow("], &[], "use expect, with a reason"),
    (&["todo", "!("], &[], "write it"),
    (
        &["process::", "exit("],
        // A build script, and the second Ctrl-C of somebody who will not wait.
        &["dashboards/build.rs", "gateway/src/command.rs"],
        "return from main, so that everything is closed",
    ),
];

/// Returns the files of the repository, new ones included, ignored ones not.
fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .current_dir(workspace())
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "git ls-files failed");
    let names = String::from_utf8(output.stdout).unwrap();
    let paths = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from);
    paths
        .filter(|path| workspace().join(path).is_file())
        .collect()
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| endings.contains(&ending))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(workspace().join(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn assert_none(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn source_files_are_short_and_named_after_something() {
    let mut faults = Vec::new();
    for path in files().iter().filter(|path| has_ending(path, &SOURCES)) {
        let lines = read(path).lines().count();
        if lines > LINES_MAX {
            faults.push(format!(
                "{}: {lines} lines, at most {LINES_MAX}",
                path.display()
            ));
        }
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        if has_ending(path, &["rs"]) && EMPTY_NAMES.contains(&stem) {
            faults.push(format!("{}: name it after what it holds", path.display()));
        }
    }
    assert_none(&faults);
}

#[test]
fn rust_files_say_what_they_are() {
    let mut faults = Vec::new();
    for path in files().iter().filter(|path| has_ending(path, &["rs"])) {
        let text = read(path);
        let header = text.lines().next().unwrap_or_default();
        // One word is a place-holder, not a header.
        if !header.starts_with("//! ") || header.split_whitespace().count() < 4 {
            faults.push(format!(
                "{}: begin with `//! ` and what the file holds",
                path.display()
            ));
        }
    }
    assert_none(&faults);
}

#[test]
fn rust_files_hold_nothing_forbidden() {
    let mut faults = Vec::new();
    for path in files().iter().filter(|path| has_ending(path, &["rs"])) {
        let text = read(path);
        for (parts, may, why) in FORBIDDEN {
            let word = parts.concat();
            if text.contains(&word) && !may.iter().any(|place| path == Path::new(place)) {
                faults.push(format!("{}: {word}: {why}", path.display()));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn what_is_left_to_do_is_an_issue_not_a_comment() {
    let words = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
    ];
    let mut faults = Vec::new();
    for path in files().iter().filter(|path| has_ending(path, &SOURCES)) {
        for (number, line) in read(path).lines().enumerate() {
            let mut parts = line.split(|letter: char| !letter.is_ascii_alphanumeric());
            if parts.any(|part| words.iter().any(|word| part == word)) {
                faults.push(format!(
                    "{}:{}: {}",
                    path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn packages_depend_only_downwards_and_share_the_lints() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace())
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeSet<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut faults = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        if name == "tests" {
            continue;
        }
        let Some((_, may)) = MAY_USE.iter().find(|(user, _)| *user == name) else {
            faults.push(format!("{name} is not in the plan of the house"));
            continue;
        };
        for used in package["dependencies"].as_array().unwrap() {
            let used = used["name"].as_str().unwrap();
            if names.contains(used) && !may.contains(&used) {
                faults.push(format!("{name} must not depend on {used}"));
            }
        }
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        if !std::fs::read_to_string(manifest)
            .unwrap()
            .contains("[lints]\nworkspace = true")
        {
            faults.push(format!("{name} does not share the lints of the workspace"));
        }
    }
    assert_none(&faults);
}

#[test]
fn no_test_file_is_forgotten() {
    let main = read(Path::new("tests/it/main.rs"));
    let mut faults = Vec::new();
    for path in files() {
        if path.parent() == Some(Path::new("tests/it")) && has_ending(&path, &["rs"]) {
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
            if name != "main" && !main.lines().any(|line| line == format!("mod {name};")) {
                faults.push(format!("{}: main.rs does not name it", path.display()));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn lock_files_name_no_download_address() {
    // A mirror must be able to serve every package, so the lock file holds hashes only.
    let mut faults = Vec::new();
    for path in files() {
        if path
            .file_name()
            .is_some_and(|name| name == "package-lock.json")
        {
            let count = read(&path)
                .lines()
                .filter(|line| line.contains("\"resolved\": \"http"))
                .count();
            if count > 0 {
                faults.push(format!("{}: {count} addresses", path.display()));
            }
        }
    }
    assert_none(&faults);
}

/// Returns the words of a section of the README, up to the next heading of its level.
fn readme_words(heading: &str) -> BTreeSet<String> {
    let readme = read(Path::new("README.md"));
    let (_, rest) = readme.split_once(&format!("### {heading}\n")).unwrap();
    let section = rest.split("\n### ").next().unwrap();
    let words = section.split(|letter: char| !letter.is_alphanumeric() && !"@_-".contains(letter));
    words.map(str::to_owned).collect()
}

#[test]
fn the_code_map_names_every_folder() {
    let map = readme_words("Code map");
    let mut folders = BTreeSet::new();
    for path in files() {
        let folder = path.parent().unwrap();
        let depth = folder.components().count();
        if has_ending(&path, &SOURCES) && (1..=3).contains(&depth) {
            folders.insert(folder.to_owned());
        }
    }
    let unnamed = folders.iter().filter(|folder| {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap();
        !map.contains(name)
    });
    let faults: Vec<String> = unnamed.map(|folder| folder.display().to_string()).collect();
    assert_none(&faults);
}

#[test]
fn the_readme_says_why_each_library_is_here() {
    let libraries = readme_words("Libraries");
    let manifest = read(Path::new("Cargo.toml"));
    let (_, rest) = manifest.split_once("[workspace.dependencies]\n").unwrap();
    let lines = rest.lines().take_while(|line| !line.starts_with('['));
    let names = lines
        .filter(|line| !line.contains("path = ") && !line.starts_with('#'))
        .filter_map(|line| line.split(' ').next());
    let unnamed = names.filter(|name| !name.is_empty() && !libraries.contains(*name));
    let faults: Vec<String> = unnamed.map(str::to_owned).collect();
    assert_none(&faults);
}
