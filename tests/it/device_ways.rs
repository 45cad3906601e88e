//! The ways to a device, each to a device that is not ours (pymodbus): TCP, RTU over TCP, RTU on a
//! serial port, TLS; and a table that says which way.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tests::certificates::{Certificates, DEVICE_NAME};
use tests::modbus::{Meter, Way};
use tests::process::{Process, ours};

/// Runs `ortoo-agent probe` with settings of these lines and devices: exit code, output, errors.
pub fn probe(dir: &Path, settings: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let head = "agent = \"lab-001\"\nsecret = \"x\"\ngateway = \"mqtt://127.0.0.1:1\"\n\
                data = \"data\"\n";
    std::fs::write(dir.join("agent.toml"), format!("{head}{settings}")).unwrap();
    let mut command = ours("ortoo-agent");
    command.args(["probe", "--config", "agent.toml"]);
    run(command.args(arguments).current_dir(dir))
}

fn run(command: &mut std::process::Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Returns the cells of a channel's rows, one row for each table.
pub fn rows(tables: &str, channel: &str) -> Vec<Vec<String>> {
    let found = tables.lines().filter(|line| line.starts_with(channel));
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    found.map(cells).collect()
}

/// A device of the settings; its line is called `l`.
pub fn device(name: &str, unit: u8, timeout_ms: u32) -> String {
    format!(
        "[[device]]\nname = \"{name}\"\ninstrument = \"NM-{unit}\"\nprofile = \"sdm120\"\n\
         line = \"l\"\nunit = {unit}\nevery_ms = 100\ntimeout_ms = {timeout_ms}\n"
    )
}

#[track_caller]
fn check_good(found: (Option<i32>, String, String), way: &str) {
    let (code, table, words) = found;
    assert_eq!(code, Some(0), "{table}{words}");
    assert!(table.contains(way), "the way {way} is not in\n{table}");
    let [voltage] = rows(&table, "voltage_v").try_into().unwrap();
    assert_eq!(voltage[4..], ["230.5", "V", "good"], "{table}");
    let [energy] = rows(&table, "energy_wh").try_into().unwrap();
    assert_eq!(energy[4..], ["12500", "Wh", "good"], "{table}");
}

async fn meter(dir: &Path, way: Way<'_>) -> Meter {
    let mut meter = Meter::start_over(dir, 0x160, way, "1").await;
    let values = [(0x0000, 230.5), (0x000C, 283.5), (0x0048, 12.5)];
    meter.set_floats(&values).await;
    meter
}

#[tokio::test]
async fn a_serial_port_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let meter = meter(dir.path(), Way::Serial).await;
    let port = &meter.address;
    let settings = format!(
        "allow = [\"{port}\"]\n[[line]]\nname = \"l\"\nserial = \"{port}\"\nbaud = 115200\n\
         parity = \"none\"\n{}",
        device("m", 1, 5000)
    );
    let way = format!("serial {port} 115200 8N1");
    check_good(probe(dir.path(), &settings, &[]), &way);
    // Without settings, and again: the port was given back.
    let mut command = ours("ortoo-agent");
    command.args([
        "probe",
        "--profile",
        "sdm120",
        "--serial",
        port,
        "--baud",
        "115200",
    ]);
    check_good(run(&mut command), &way);

    // What the list does not name is not opened.
    let forbidden = settings.replace(&format!("[\"{port}\"]"), "[\"/dev/ttyS9\"]");
    let (code, table, words) = probe(dir.path(), &forbidden, &[]);
    assert_eq!(code, Some(2), "{table}");
    assert!(
        words.contains(&format!("agent.toml:8: allow does not permit {port}")),
        "{words}"
    );
}

#[tokio::test]
async fn rtu_over_tcp_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let meter = meter(dir.path(), Way::RtuOverTcp).await;
    let address = &meter.address;
    let settings = format!(
        "allow = [\"127.0.0.1\"]\n[[line]]\nname = \"l\"\nrtu_over_tcp = \"{address}\"\n{}",
        device("m", 1, 5000)
    );
    let way = format!("RTU over TCP {address}");
    check_good(probe(dir.path(), &settings, &[]), &way);
    let mut command = ours("ortoo-agent");
    command.args([
        "probe",
        "--profile",
        "sdm120",
        "--address",
        address,
        "--rtu",
    ]);
    check_good(run(&mut command), &way);
}

#[tokio::test]
async fn our_simulated_device_speaks_rtu_over_tcp() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = ours("ortoo-agent");
    command.args(["simulate", "--profile", "adl400", "--rtu", "--unit", "7"]);
    command.stdin(Stdio::null());
    let mut simulated = Process::start("simulated", dir.path(), &mut command);
    let ready = simulated.json_line(Duration::from_secs(10)).await;
    let address = ready["address"].as_str().unwrap();
    let probe = |unit: &str| {
        let mut command = ours("ortoo-agent");
        command.args([
            "probe",
            "--profile",
            "adl400",
            "--address",
            address,
            "--rtu",
        ]);
        run(command.args(["--unit", unit, "--timeout-ms", "2000"]))
    };
    let (code, table, words) = probe("7");
    assert_eq!(code, Some(0), "{table}{words}");
    let [ratio] = rows(&table, "ct ").try_into().unwrap();
    assert_eq!(ratio, ["ct", "3:0x008e", "0001", "1", "ratio", "good"]);
    // On a serial line only who is meant answers.
    let mut command = ours("ortoo-agent");
    command.args([
        "probe",
        "--profile",
        "pzem017",
        "--address",
        address,
        "--rtu",
    ]);
    let (code, table, _) = run(command.args(["--unit", "8", "--timeout-ms", "500"]));
    assert_eq!(code, Some(1), "{table}");
    assert_eq!(
        rows(&table, "power_w")[0].last().unwrap(),
        "timeout",
        "{table}"
    );
    simulated.signal("TERM");
    assert_eq!(simulated.exit_code(Duration::from_secs(10)).await, Some(0));
}

#[tokio::test]
async fn tls_is_read_from_whom_it_trusts() {
    let dir = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(dir.path());
    let meter = meter(dir.path(), Way::Tls(&certificates, true)).await;
    let address = &meter.address;
    let line = format!(
        "allow = [\"127.0.0.1\"]\n[[line]]\nname = \"l\"\ntls = \"{address}\"\n\
         ca = \"authority.pem\"\nserver_name = \"{DEVICE_NAME}\"\n"
    );
    let own = "certificate = \"agent.pem\"\nkey = \"agent.key\"\n";
    let device = device("m", 1, 5000);
    let settings = format!("{line}{own}{device}");
    check_good(probe(dir.path(), &settings, &[]), &format!("TLS {address}"));

    let refusals = [
        // An authority that did not sign the device's certificate.
        (
            settings.replace("authority.pem", "stranger.pem"),
            "UnknownIssuer",
        ),
        // The certificate of another device.
        (
            settings.replace(DEVICE_NAME, "other.lab"),
            "not valid for name",
        ),
        // The device does not know who asks, and may or may not say so before it hangs up.
        (format!("{line}{device}"), "power_w"),
    ];
    for (settings, why) in refusals {
        let (code, table, words) = probe(dir.path(), &settings, &[]);
        assert_eq!(code, Some(1), "{why}: {table}{words}");
        assert_eq!(
            rows(&table, "power_w")[0].last().unwrap(),
            "link",
            "{table}"
        );
        assert!(table.contains(why), "{why} is not in\n{table}");
    }
    // Plain Modbus TCP gets nothing out of it.
    let mut command = ours("ortoo-agent");
    command.args(["probe", "--profile", "sdm120", "--address", address]);
    let (code, table, _) = run(command.args(["--timeout-ms", "500"]));
    assert_eq!(code, Some(1), "{table}");
}

#[tokio::test]
async fn many_units_share_a_serial_port() {
    let dir = tempfile::tempdir().unwrap();
    let mut meter = Meter::start_over(dir.path(), 0x160, Way::Serial, "1,2,3,4").await;
    let port = meter.address.clone();
    let mut settings = format!(
        "allow = [\"{port}\"]\n[[line]]\nname = \"l\"\nserial = \"{port}\"\nbaud = 115200\n\
         parity = \"even\"\nstop_bits = 1\npause_ms = 2\n"
    );
    for unit in 1..=4_u8 {
        let bits = (f32::from(unit) * 100.0).to_bits();
        let words = serde_json::json!({ "12": bits >> 16, "13": bits & 0xFFFF });
        meter
            .tell(serde_json::json!({ "set": words, "unit": unit }))
            .await;
        settings.push_str(&device(&format!("m{unit}"), unit, 5000));
    }
    let (code, tables, words) = probe(dir.path(), &settings, &["--times", "2"]);
    assert_eq!(code, Some(0), "{tables}{words}");
    let powers = rows(&tables, "power_w");
    let values: Vec<&str> = powers.iter().map(|row| row[4].as_str()).collect();
    let round = ["100", "200", "300", "400"];
    assert_eq!(values, [round, round].concat(), "{tables}");
}
