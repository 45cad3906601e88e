//! The Modbus networks and serial ports that an agent may touch. The local list always wins: no
//! configuration from elsewhere can make an agent connect outside of it.

use std::net::{IpAddr, Ipv6Addr};

/// A network: an address and how many leading bits count, such as `192.168.10.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    prefix: u32,
    is_v4: bool,
}

impl Network {
    /// Parses `address/prefix`; an address alone is a network of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(width);
        (prefix <= width).then_some(Self {
            bits: bits(address),
            // IPv4 lives in the last 32 of 128 bits.
            prefix: prefix + 128 - width,
            is_v4: address.is_ipv4(),
        })
    }

    /// Returns true if the address lies in the network. An IPv4 address mapped into IPv6 counts as
    /// the IPv4 address that it reaches.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let differs = self.bits ^ bits(address);
        let is_inside = differs.checked_shr(128 - self.prefix).unwrap_or(0) == 0;
        address.is_ipv4() == self.is_v4 && is_inside
    }
}

/// The networks and serial ports that are permitted. Empty permits nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    networks: Vec<Network>,
    ports: Vec<String>,
}

impl Allow {
    /// Permits networks and no serial port.
    #[must_use]
    pub fn networks(networks: Vec<Network>) -> Self {
        Self {
            networks,
            ports: Vec::new(),
        }
    }

    /// Returns true if nothing is permitted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.ports.is_empty()
    }

    /// Adds a network such as `192.168.10.0/24`, or a serial port, which is an absolute path such as
    /// `/dev/ttyUSB0`. Returns false if the text is neither.
    #[must_use]
    pub fn add(&mut self, text: &str) -> bool {
        if is_port(text) {
            self.ports.push(text.to_owned());
            return true;
        }
        let network = Network::parse(text);
        self.networks.extend(network);
        network.is_some()
    }

    /// Returns true if one of the networks contains the address.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }

    /// Returns true if the serial port is listed, letter by letter: another path to it is not.
    #[must_use]
    pub fn permits_port(&self, port: &str) -> bool {
        self.ports.iter().any(|one| one == port)
    }
}

/// Returns true if the text is the path of a serial port: absolute, without a way back.
#[must_use]
pub fn is_port(text: &str) -> bool {
    text.starts_with('/') && !text.contains("/../") && !text.chars().any(char::is_control)
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(Ipv6Addr::from(v6.segments())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, address: &str, expected: bool) {
        let mut allow = Allow::default();
        assert!(allow.add(network));
        assert_eq!(allow.permits(address.parse().unwrap()), expected);
    }

    #[test]
    fn addresses_are_in_or_out() {
        check("192.168.10.0/24", "192.168.10.255", true);
        check("192.168.10.0/24", "192.168.11.0", false);
        check("192.168.10.7/24", "192.168.10.1", true);
        check("127.0.0.1", "127.0.0.1", true);
        check("127.0.0.1", "127.0.0.2", false);
        check("0.0.0.0/0", "10.0.0.1", true);
        check("0.0.0.0/0", "::1", false);
        check("::/0", "10.0.0.1", false);
        check("::/0", "fe80::1", true);
        check("10.0.0.0/8", "::ffff:10.1.2.3", true);
        check("10.0.0.0/8", "::ffff:11.1.2.3", false);
        check("fd00::/8", "fd12::1", true);
        check("fd00::/8", "fe00::1", false);
    }

    #[test]
    fn what_is_not_a_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "x",
            "10.0.0.0/-1",
            "10.0.0.0/",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
            assert!(!Allow::default().add(text), "{text}");
        }
        assert!(!Allow::default().permits("127.0.0.1".parse().unwrap()));
    }
    #[test]
    fn a_serial_port_is_permitted_by_its_very_path() {
        let mut allow = Allow::default();
        assert!(allow.add("/dev/ttyUSB0") && allow.add("10.0.0.0/8"));
        assert!(allow.permits_port("/dev/ttyUSB0"));
        for other in [
            "/dev/ttyUSB1",
            "/dev/ttyUSB",
            "ttyUSB0",
            "/dev/./ttyUSB0",
            "10.0.0.0/8",
        ] {
            assert!(!allow.permits_port(other), "{other}");
        }
        assert!(!allow.add("/dev/../etc/passwd"));
        assert!(!Allow::default().permits_port("/dev/ttyUSB0"));
    }
}
