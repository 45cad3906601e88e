//! Tests of lines: every kind is read, and every fault is named with its line in the file.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::config::Config;
use crate::document::Faults;

/// A file with every kind of line; its certificates are made in `folder`.
fn lines(folder: &Path) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let about = rcgen::CertificateParams::new(vec!["meter.lab".to_owned()]).unwrap();
    let certificate = about.self_signed(&key).unwrap();
    write_secret(folder, "ca.pem", &certificate.pem());
    write_secret(folder, "agent.key", &key.serialize_pem());
    let other = rcgen::KeyPair::generate().unwrap();
    write_secret(folder, "other.key", &other.serialize_pem());
    r#"agent = "lab-007"
secret = "s"
gateway = "mqtt://127.0.0.1:1883"
data = "agent-data"
allow = ["10.0.0.0/8", "/dev/ttyUSB0"]

[[line]]
name = "bus"
serial = "/dev/ttyUSB0"
baud = 9600
parity = "even"

[[line]]
name = "converter"
rtu_over_tcp = "10.0.0.9:4001"
pause_ms = 20

[[line]]
name = "secure"
tls = "meter.lab"
ca = "ca.pem"
certificate = "ca.pem"
key = "agent.key"

[[line]]
name = "plain"
tcp = "10.0.0.8"

[[device]]
name = "a"
instrument = "NM-1"
profile = "sdm630"
line = "bus"
unit = 3

[[device]]
name = "b"
instrument = "NM-2"
profile = "em340"
line = "converter"

[[device]]
name = "c"
instrument = "NM-3"
profile = "pm5000"
line = "secure"
"#
    .to_owned()
}

fn write_secret(folder: &Path, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn every_kind_of_line_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let text = lines(folder.path());
    let config = Config::parse(&folder.path().join("agent.toml"), &text).unwrap();
    let ways: Vec<String> = config
        .devices
        .iter()
        .map(|device| device.way.to_string())
        .collect();
    assert_eq!(
        ways,
        [
            "serial /dev/ttyUSB0 9600 8E1",
            "RTU over TCP 10.0.0.9:4001",
            "TLS meter.lab:802",
        ]
    );
    // 3.5 characters of 11 bits at 9,600 baud.
    let pause = config.devices[0].way.pause();
    assert_eq!(pause.as_micros(), 4010);
    assert_eq!(config.devices[1].way.pause(), Duration::from_millis(20));
    // No password or key in what is logged.
    assert!(!format!("{config:?}").contains("PRIVATE"));
}

/// Changes one place of the settings and expects a fault on a line.
#[track_caller]
fn check_fault(from: &str, to: &str, line: usize, part: &str) {
    let folder = tempfile::tempdir().unwrap();
    let text = lines(folder.path());
    assert!(text.contains(from), "{from}");
    let path = folder.path().join("agent.toml");
    let Err(Faults(faults)) = Config::parse(&path, &text.replacen(from, to, 1)) else {
        panic!("{to}: a fault was expected");
    };
    let is_named = |fault: &crate::document::Fault| fault.line == line && fault.text.contains(part);
    assert!(
        faults.iter().any(is_named),
        "line {line} {part:?} is not in:\n{}",
        Faults(faults)
    );
}

#[test]
fn faults_of_ways_are_named() {
    check_fault(
        "\"/dev/ttyUSB0\"]",
        "\"/dev/ttyS0\"]",
        9,
        "allow does not permit /dev/ttyUSB0",
    );
    check_fault(
        "serial = \"/dev/ttyUSB0\"",
        "serial = \"COM3\"",
        9,
        "absolute path",
    );
    check_fault("baud = 9600\n", "", 7, "baud is missing");
    check_fault("\"even\"", "\"mark\"", 11, "parity must be");
    check_fault(
        "parity = \"even\"",
        "tcp = \"10.0.0.1\"",
        11,
        "a line has one of",
    );
    check_fault("serial = \"/dev/ttyUSB0\"\n", "", 7, "a line needs one of");
    check_fault(
        "pause_ms = 20",
        "baud = 9600",
        16,
        "baud belongs to a line with serial",
    );
    check_fault(
        "\"10.0.0.8\"",
        "\"10.0.0.8\"\npause_ms = 20",
        28,
        "pause_ms belongs to a line with serial or rtu_over_tcp",
    );
    check_fault(
        "10.0.0.9:4001",
        "[fd00::5]4001",
        15,
        "rtu_over_tcp must be host:port",
    );
    check_fault(
        "10.0.0.9:4001",
        "10.0.0.9",
        15,
        "rtu_over_tcp must be host:port",
    );
    check_fault(
        "10.0.0.9:4001",
        "11.0.0.9:4001",
        15,
        "allow does not permit 11.0.0.9",
    );
    check_fault(
        "\"10.0.0.8\"",
        "\"10.0.0.9:4001\"",
        25,
        "line converter goes there already",
    );
    check_fault(
        "name = \"plain\"",
        "name = \"bus\"",
        25,
        "another line is called bus",
    );
}

#[test]
fn faults_of_trust_are_named() {
    check_fault("ca = \"ca.pem\"\n", "", 18, "ca is missing");
    check_fault("ca = \"ca.pem\"", "ca = \"none.pem\"", 21, "cannot be read");
    check_fault(
        "ca = \"ca.pem\"",
        "ca = \"agent.key\"",
        21,
        "holds no certificate",
    );
    check_fault(
        "key = \"agent.key\"",
        "key = \"ca.pem\"",
        23,
        "holds no private key",
    );
    check_fault(
        "key = \"agent.key\"",
        "key = \"other.key\"",
        23,
        "key does not fit",
    );
    check_fault("key = \"agent.key\"\n", "", 22, "belong together");
    check_fault(
        "tls = \"meter.lab\"",
        "tls = \"meter.lab\"\nserver_name = \"a b\"",
        21,
        "server_name must be",
    );
}

#[test]
fn faults_of_devices_on_lines_are_named() {
    check_fault(
        "line = \"bus\"",
        "line = \"buss\"",
        33,
        "there is no line buss, only bus, converter",
    );
    check_fault(
        "line = \"bus\"",
        "line = \"bus\"\naddress = \"10.0.0.1\"",
        33,
        "exclude each other",
    );
    check_fault("line = \"bus\"\n", "", 29, "address or line is missing");
    check_fault(
        "unit = 3",
        "unit = 0",
        34,
        "unit must be a whole number from 1 to 247",
    );
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let text = lines(folder.path());
    let key = folder.path().join("agent.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let Faults(faults) = Config::parse(&folder.path().join("agent.toml"), &text).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].text.contains("chmod 600") && faults[0].line == 23);
}

#[test]
fn a_serial_line_that_cannot_carry_its_devices_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = lines(folder.path());
    let path = folder.path().join("agent.toml");
    let warnings = |text: &str| Config::parse(&path, text).unwrap().warnings;
    assert_eq!(warnings(&text), Vec::<String>::new());
    for unit in 4..24 {
        let written = write!(
            text,
            "[[device]]\nname = \"m{unit}\"\ninstrument = \"NM-{unit}\"\nprofile = \"sdm630\"\n\
             line = \"bus\"\nunit = {unit}\ntimeout_ms = 20\n"
        );
        written.unwrap();
    }
    let warnings = warnings(&text);
    // 18 registers at 9,600 baud: 49 characters of 11 bits, and two silences.
    let late = "device m4: serial /dev/ttyUSB0 9600 8E1 needs 64 ms for one answer";
    assert!(
        warnings.iter().any(|text| text.starts_with(late)),
        "{warnings:?}"
    );
    // 21 devices of 132 ms each.
    let full = "serial /dev/ttyUSB0 9600 8E1 would have to carry 2.";
    assert!(
        warnings.iter().any(|text| text.starts_with(full)),
        "{warnings:?}"
    );
}
