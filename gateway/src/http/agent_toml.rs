//! The `agent.toml` that a new agent begins with: complete but for what only who stands before the
//! instruments knows, and those lines say so.

use std::fmt::Write as _;

use wire::{AgentName, InstrumentKey};

/// Units of one Modbus network, so that the examples of many devices do not collide.
const UNITS: usize = 247;

/// Returns the beginning of an agent's settings, with a device for each instrument, or an example.
///
/// Names, keys, secrets and addresses need no escapes: narrow alphabets and a URL of ours.
///
/// # Panics
/// Never: a text can grow.
#[must_use]
pub fn agent_toml(
    name: &AgentName,
    secret: &str,
    mqtt_url: &str,
    instruments: &[InstrumentKey],
) -> String {
    let mut text = format!(
        "agent = \"{name}\"\n\
         secret = \"{secret}\"\n\
         gateway = \"{mqtt_url}\"\n\
         data = \"agent-data\"\n\
         allow = [\"192.168.0.0/16\"]  # 改为仪表所在网段 / edit: the networks of the meters\n"
    );
    let example = [("NM-00001", "  # 资产编号 / asset code")];
    let given = instruments.iter().map(|key| (key.as_str(), ""));
    let devices: Vec<(&str, &str)> = match instruments {
        [] => example.to_vec(),
        _ => given.collect(),
    };
    for (place, (key, comment)) in devices.into_iter().enumerate() {
        let number = place + 1;
        let (host, unit) = (5 + place / UNITS, 1 + place % UNITS);
        write!(
            text,
            "\n\
             [[device]]\n\
             name = \"meter-{number}\"\n\
             instrument = \"{key}\"{comment}\n\
             profile = \"sdm120\"  # 仪表型号 / edit: the meter's model\n\
             address = \"192.168.10.{host}:502\"  # 仪表地址 / edit: where the meter answers\n\
             unit = {unit}  # Modbus 站号 / edit: its Modbus unit\n\
             every_ms = 1000\n\
             timeout_ms = 1000\n"
        )
        .expect("a text can grow");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use agents::config::Config;

    use super::*;

    #[test]
    fn an_agent_can_read_it_as_it_is() {
        let name = AgentName::parse("lab-007").unwrap();
        let key = |number: usize| InstrumentKey::parse(&format!("T-{number}")).unwrap();
        for count in [0, 1, 2, 500] {
            let keys: Vec<InstrumentKey> = (0..count).map(key).collect();
            let secret = "0f".repeat(32);
            let text = agent_toml(&name, &secret, "mqtt://127.0.0.1:1883", &keys);
            let config = Config::parse(Path::new("agent.toml"), &text);
            let config = config.unwrap_or_else(|faults| panic!("{faults}\n{text}"));
            let devices = config
                .devices
                .iter()
                .map(|device| device.instrument.clone());
            let devices: Vec<InstrumentKey> = devices.collect();
            if count == 0 {
                assert_eq!(devices, [InstrumentKey::parse("NM-00001").unwrap()]);
            } else {
                assert_eq!(devices, keys);
            }
        }
    }
}
