//! What a person beside an instrument uses before anything is connected: `probe`, `simulate`, and
//! an agent's settings file.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tests::modbus::Meter;
use tests::process::{Process, ours};

/// Runs `ortoo-agent` to its end and returns exit code, output and errors.
fn agent(arguments: &[&str], dir: &Path) -> (Option<i32>, String, String) {
    let output = ours("ortoo-agent")
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn row<'a>(table: &'a str, channel: &str) -> &'a str {
    let found = table.lines().find(|line| line.starts_with(channel));
    found.unwrap_or_else(|| panic!("no row of {channel} in\n{table}"))
}

#[tokio::test]
async fn a_probe_shows_what_each_register_gives() {
    let dir = tempfile::tempdir().unwrap();
    let mut meter = Meter::start(dir.path(), 0x160).await;
    meter
        .set_floats(&[(0x0000, 230.5), (0x000C, 283.5), (0x0048, 12.5)])
        .await;
    let address = meter.address.clone();
    let probe = [
        "probe",
        "--profile",
        "sdm120",
        "--address",
        &address,
        "--unit",
        "1",
    ];
    let (code, table, words) = agent(&probe, dir.path());
    assert_eq!(code, Some(0), "{table}{words}");
    assert!(row(&table, "power_w").contains("283.5"), "{table}");
    assert!(row(&table, "energy_wh").contains("12500"), "{table}");

    // Another unit, or nobody at all: a code that a script can see.
    let probe = [
        "probe",
        "--profile",
        "sdm120",
        "--address",
        &address,
        "--unit",
        "9",
    ];
    let (code, table, _) = agent(&probe, dir.path());
    assert_eq!(code, Some(1), "{table}");
    let (code, _, words) = agent(
        &["probe", "--profile", "no-such", "--address", &address],
        dir.path(),
    );
    assert_eq!(code, Some(2), "{words}");
    assert!(
        words.contains("sdm120"),
        "the known profiles are not named: {words}"
    );
}

#[tokio::test]
async fn a_probe_names_the_wrong_address() {
    let dir = tempfile::tempdir().unwrap();
    let meter = Meter::start(dir.path(), 8).await;
    let probe = ["probe", "--profile", "sdm120", "--address", &meter.address];
    let (code, table, words) = agent(&probe, dir.path());
    assert_eq!(code, Some(1), "{words}");
    assert!(row(&table, "voltage_v").contains("good"), "{table}");
    assert!(
        row(&table, "power_w").contains("illegal_address"),
        "{table}"
    );
    assert!(table.to_lowercase().contains("0x000c"), "{table}");
}

#[tokio::test]
async fn a_simulated_meter_can_be_probed() {
    let dir = tempfile::tempdir().unwrap();
    for profile in ["sdm120", "pzem017", "generic"] {
        let mut command = ours("ortoo-agent");
        command.args(["simulate", "--profile", profile, "--listen", "127.0.0.1:0"]);
        command.stdin(Stdio::null());
        let mut meter = Process::start(profile, dir.path(), &mut command);
        let ready = meter.json_line(Duration::from_secs(10)).await;
        let address = ready["address"].as_str().unwrap();
        let (code, table, words) = agent(
            &["probe", "--profile", profile, "--address", address],
            dir.path(),
        );
        assert_eq!(code, Some(0), "{profile}:\n{table}{words}");
        meter.signal("TERM");
        assert_eq!(meter.exit_code(Duration::from_secs(10)).await, Some(0));
    }
}

#[tokio::test]
async fn an_agent_touches_only_networks_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let mut meter = Meter::start(dir.path(), 0x160).await;
    let text = format!(
        "agent = \"lab-001\"\nsecret = \"x\"\ngateway = \"mqtt://127.0.0.1:1\"\ndata = \"data\"\n\
         allow = [\"10.99.0.0/16\"]\n[[device]]\nname = \"m\"\ninstrument = \"NM-1\"\n\
         profile = \"sdm120\"\naddress = \"{}\"\nunit = 1\nevery_ms = 100\ntimeout_ms = 100\n",
        meter.address
    );
    std::fs::write(dir.path().join("agent.toml"), text).unwrap();
    let (code, table, words) = agent(&["probe", "--config", "agent.toml"], dir.path());
    assert_ne!(code, Some(0), "{table}{words}");
    assert!(
        format!("{table}{words}").contains("allow"),
        "{table}{words}"
    );
    assert_eq!(meter.report().await["reads"], 0);
}

#[test]
fn an_agents_settings_list_every_fault_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let text = "agent = \"Lab 7\"\nsecret = \"x\"\ngateway = \"http://127.0.0.1\"\n\
                colour = \"red\"\nallow = [\"everything\"]\n\n[[device]]\nname = \"m\"\n\
                instrument = \"NM-1\"\nprofile = \"no-such\"\naddress = \"127.0.0.1:1\"\nunit = 900\n";
    std::fs::write(dir.path().join("agent.toml"), text).unwrap();
    for command in ["run", "probe"] {
        let (code, _, words) = agent(&[command, "--config", "agent.toml"], dir.path());
        assert_eq!(code, Some(2), "{words}");
        for line in [1, 3, 4, 5, 10, 12] {
            assert!(
                words.contains(&format!("agent.toml:{line}:")),
                "line {line}:\n{words}"
            );
        }
    }
}
