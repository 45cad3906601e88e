//! The Modbus networks that an agent may touch. The local list always wins: no configuration from
//! elsewhere can make an agent connect outside of it.

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

/// The networks an agent may touch; empty permits nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow(pub Vec<Network>);

impl Allow {
    /// Returns true if one of the networks contains the address.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
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
        let allow = Allow(vec![Network::parse(network).unwrap()]);
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
        }
        assert!(!Allow::default().permits("127.0.0.1".parse().unwrap()));
    }
}
