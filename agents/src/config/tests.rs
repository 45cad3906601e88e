//! Tests of the settings: what is accepted, and that every fault is named with its line.

use super::*;

const GOOD: &str = r#"agent = "lab-007"
secret = "s"
gateway = "mqtt://127.0.0.1:1883"
data = "agent-data"
allow = ["192.168.10.0/24", "127.0.0.1"]

[[device]]
name = "meter-1"
instrument = "NM-00001"
profile = "sdm120"
address = "192.168.10.5:502"
dead_band = { power_w = 2.5 }

[[device]]
name = "温度计"
instrument = "NM-00002"
profile = "generic"
address = "127.0.0.1:1502"
unit = 7
every_ms = 250
timeout_ms = 200
always = true
"#;

fn parse(text: &str) -> Result<Config, Faults> {
    Config::parse(Path::new("/etc/ortoo/agent.toml"), text)
}

#[track_caller]
fn check_fault(text: &str, line: usize, part: &str) {
    let Err(Faults(faults)) = parse(text) else {
        panic!("a fault was expected");
    };
    let is_named = faults
        .iter()
        .any(|fault| fault.line == line && fault.text.contains(part));
    assert!(
        is_named,
        "line {line} {part:?} is not in:\n{}",
        Faults(faults)
    );
}

#[test]
fn a_good_file_is_read_with_its_defaults() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.agent.as_str(), "lab-007");
    assert_eq!(config.data, Path::new("/etc/ortoo/agent-data"));
    assert_eq!(config.outbox, Limits::DEFAULT);
    assert_eq!(config.backfill, Backfill::DEFAULT);
    assert_eq!(config.report_every, Duration::from_secs(10));
    let [meter, thermometer] = config.devices.as_slice() else {
        panic!("two devices were expected");
    };
    assert_eq!((meter.unit, meter.every), (1, Duration::from_secs(1)));
    assert_eq!(meter.dead_band, [0.0, 0.0, 2.5, 0.0, 0.0]);
    assert_eq!(thermometer.timeout, Duration::from_millis(200));
    assert!(thermometer.always && !meter.always);
    assert_eq!(config.device_infos()[1].channels[1].unit, "degC");
    assert!(!format!("{config:?}").contains("\"s\""));
}

#[test]
fn what_is_kept_and_how_fast_it_goes_is_set() {
    let text =
        "outbox_mb = 2\noutbox_hours = 72\nbackfill_records_per_s = 50\nbackfill_kb_per_s = 4\n";
    let config = parse(&format!("{text}{GOOD}")).unwrap();
    let kept = Limits {
        bytes: 2 * 1024 * 1024,
        age: Duration::from_hours(72),
    };
    assert_eq!(config.outbox, kept);
    let backfill = Backfill {
        records_per_s: 50,
        bytes_per_s: 4_096,
    };
    assert_eq!(config.backfill, backfill);
}

#[test]
fn all_faults_are_listed_at_once() {
    let text = r#"agent = "Lab 7"
gatewy = "mqtt://x"
data = 5
allow = ["10.0.0.0/40"]
outbox_mb = 0

[[device]]
name = "a"
instrument = "NM 1"
profile = "sdm121"
address = "10.0.0.5"
every_ms = 1

[[device]]
name = ""
"#;
    let Faults(faults) = parse(text).unwrap_err();
    let shown = Faults(faults.clone()).to_string();
    for (line, part) in [
        (1, "agent name"),
        (1, "secret or secret_file is missing"),
        (1, "gateway is missing"),
        (2, "unknown key gatewy; is it gateway?"),
        (3, "data must be a text"),
        (4, "allow must list networks"),
        (5, "outbox_mb must be a whole number from 1 to"),
        (9, "instrument key"),
        (10, "there is no profile sdm121, only adl400, adw300"),
        (11, "allow does not permit 10.0.0.5"),
        (12, "every_ms must be a whole number from 10"),
        (14, "instrument is missing"),
        (15, "name must have 1 to 64"),
    ] {
        let is_named = faults
            .iter()
            .any(|fault| fault.line == line && fault.text.contains(part));
        assert!(is_named, "line {line} {part:?} is not in:\n{shown}");
    }
}

#[test]
fn single_faults_are_named() {
    check_fault(&GOOD.replace("mqtt://", "mqtts://"), 3, "no TLS");
    check_fault(
        &GOOD.replace("mqtt://", "mqtt://a:b@"),
        3,
        "without user name",
    );
    check_fault(&GOOD.replace("192.168.10.5:502", "host:x"), 11, "host:port");
    check_fault(&GOOD.replace("power_w", "powr_w"), 12, "no channel powr_w");
    check_fault(&GOOD.replace("2.5", "-1"), 12, "negative");
    check_fault(&GOOD.replace("unit = 7", "unit = 256"), 19, "from 0 to 255");
    check_fault(&GOOD.replace("温度计", "meter-1"), 14, "another device");
    check_fault(
        &GOOD.replace("NM-00002", "NM-00001"),
        14,
        "already read by meter-1",
    );
    check_fault(
        &GOOD.replace("secret = \"s\"", "secret_file = \"none\""),
        2,
        "cannot be read",
    );
    check_fault(&GOOD.replace("always = true", "always = "), 22, "");
    check_fault("agent = \"a\"\nagent = \"b\"\n", 2, "duplicate");
    for (key, most) in [
        ("outbox_mb", 1_048_576),
        ("outbox_hours", 87_600),
        ("backfill_records_per_s", 10_000),
        ("backfill_kb_per_s", 1_048_576),
    ] {
        let expected = format!("{key} must be a whole number from 1 to {most}");
        for wrong in [0, most + 1] {
            check_fault(&format!("{key} = {wrong}\n{GOOD}"), 1, &expected);
        }
        assert!(parse(&format!("{key} = 1\n{GOOD}")).is_ok());
        assert!(parse(&format!("{key} = {most}\n{GOOD}")).is_ok());
    }
}

#[test]
fn without_an_allow_list_no_device_is_permitted() {
    let text = GOOD.replace("allow = [\"192.168.10.0/24\", \"127.0.0.1\"]", "");
    check_fault(&text, 11, "allow does not permit 192.168.10.5");
}

#[cfg(unix)]
#[test]
fn a_secret_file_must_be_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "from the file\n").unwrap();
    let text = GOOD.replace("secret = \"s\"", "secret_file = \"secret\"");
    let path = folder.path().join("agent.toml");
    let set = |mode| {
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o644);
    let Faults(faults) = Config::parse(&path, &text).unwrap_err();
    assert!(faults[0].text.contains("chmod 600"));
    set(0o600);
    let config = Config::parse(&path, &text).unwrap();
    assert_eq!(config.secret.reveal(), "from the file");
}

#[test]
fn addresses_are_parsed() {
    let parse = |text| Address::parse(text, Some(502)).map(|address| address.to_string());
    assert_eq!(parse("10.0.0.1").as_deref(), Some("10.0.0.1:502"));
    assert_eq!(parse("meter.lab:5020").as_deref(), Some("meter.lab:5020"));
    assert_eq!(parse("[fd00::1]:502").as_deref(), Some("[fd00::1]:502"));
    for bad in ["", ":502", "a b:502", "x:0", "x:70000", "[fd00::1", "x/y:1"] {
        assert_eq!(parse(bad), None, "{bad}");
    }
}

/// Devices with long names, of the profile with the most registers.
#[test]
fn devices_that_no_hello_can_hold_are_a_fault() {
    let with = |count: u32| {
        let device = |number| {
            format!(
                "[[device]]\nname = \"{number:064}\"\ninstrument = \"NM-{number:040}\"\n\
                 profile = \"sdm630\"\naddress = \"127.0.0.1:1502\"\nunit = {}\n",
                number % 240 + 1
            )
        };
        let head = GOOD.split("[[device]]").next().unwrap();
        format!("{head}{}", (0..count).map(device).collect::<String>())
    };
    let Err(Faults(faults)) = parse(&with(500)) else {
        panic!("a fault was expected");
    };
    let told = faults
        .iter()
        .any(|fault| fault.text.contains("bytes to announce"));
    assert!(told, "{}", Faults(faults));
    // What is permitted fits into a message.
    let config = parse(&with(300)).unwrap();
    let announced: usize = config.devices.iter().map(Device::announced_bytes).sum();
    assert!(announced > ANNOUNCED_BYTES_MAX / 2, "{announced}");
    let bytes = wire::encode(&config.device_infos()).len();
    assert!(bytes <= announced + 2, "{bytes}");
}
