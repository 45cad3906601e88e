//! Images of devices' registers and what they are.
//!
//! They are bytes as a device sends them, written down from the documents that the profiles name
//! (units, scales, word orders, and the examples where a document has some), not by our own encoder.

/// One device: its profile, its registers, and what they are. Every channel is named.
pub(super) struct Golden {
    pub(super) profile: &'static str,
    pub(super) registers: &'static [(u8, u16, &'static str)],
    pub(super) values: &'static [(&'static str, f64)],
}

/// All of them.
pub(super) const GOLDEN: [Golden; 10] = [
    // The manual's example: 43 66 33 34 is 230.2 V, to a decimal; 43 66 33 33 would be nearer.
    Golden {
        profile: "sdm630",
        registers: &[
            (
                4,
                0x0000,
                "4366 3334 4365 8000 4367 4000 3fc0 0000 0000 0000 \
                 414c 0000 43ac c000 c1a4 0000 4537 d000",
            ),
            (4, 0x0034, "454c 2000"),
            (4, 0x0046, "4247 eb85 449a 5000"),
        ],
        values: &[
            ("voltage_l1_v", 230.20001),
            ("voltage_l2_v", 229.5),
            ("voltage_l3_v", 231.25),
            ("current_l1_a", 1.5),
            ("current_l2_a", 0.0),
            ("current_l3_a", 12.75),
            ("power_l1_w", 345.5),
            ("power_l2_w", -20.5),
            ("power_l3_w", 2941.0),
            ("power_w", 3266.0),
            ("frequency_hz", 49.98),
            ("energy_wh", 1_234_500.0),
        ],
    },
    // Tenths of a volt, thousandths of an ampere, tenths of a watt, hundredths of a hertz.
    Golden {
        profile: "dtsu666",
        registers: &[
            (
                3,
                0x2006,
                "450c 5000 450f d000 450f b000 44d1 6000 0000 0000 \
                 43fa 0000 4599 8800 456a c000 0000 0000 4490 a000",
            ),
            (3, 0x2044, "459c 4800"),
            (3, 0x101E, "4429 9000"),
        ],
        values: &[
            ("voltage_l1_v", 224.5),
            ("voltage_l2_v", 230.1),
            ("voltage_l3_v", 229.9),
            ("current_l1_a", 1.675),
            ("current_l2_a", 0.0),
            ("current_l3_a", 0.5),
            ("power_w", 491.3),
            ("power_l1_w", 375.6),
            ("power_l2_w", 0.0),
            ("power_l3_w", 115.7),
            ("frequency_hz", 50.01),
            ("energy_wh", 678_250.0),
        ],
    },
    // Tenths of a volt, thousandths of an ampere, tenths of a watt, hundredths of a hertz.
    Golden {
        profile: "dtsu666-401e",
        registers: &[
            (
                3,
                0x2006,
                "450c 5000 450f d000 450f b000 44d1 6000 0000 0000 \
                 43fa 0000 4599 8800 456a c000 0000 0000 4490 a000",
            ),
            (3, 0x2044, "459c 4800"),
            (3, 0x401E, "4429 9000"),
        ],
        values: &[
            ("voltage_l1_v", 224.5),
            ("voltage_l2_v", 230.1),
            ("voltage_l3_v", 229.9),
            ("current_l1_a", 1.675),
            ("current_l2_a", 0.0),
            ("current_l3_a", 0.5),
            ("power_w", 491.3),
            ("power_l1_w", 375.6),
            ("power_l2_w", 0.0),
            ("power_l3_w", 115.7),
            ("frequency_hz", 50.01),
            ("energy_wh", 678_250.0),
        ],
    },
    // PT 1 and CT 40, as the emulators of this meter set them.
    Golden {
        profile: "adl400",
        registers: &[
            (3, 0x000A, "0000 3039"),
            (3, 0x0061, "08fd 08f9 0906 007d 0000 0021"),
            (3, 0x0077, "138a"),
            (3, 0x008D, "0001 0028"),
            (3, 0x0164, "0000 011c 0000 0000 ffff ffb5 0000 00d1"),
        ],
        values: &[
            ("voltage_l1_v", 230.1),
            ("voltage_l2_v", 229.7),
            ("voltage_l3_v", 231.0),
            ("current_l1_a", 50.0),
            ("current_l2_a", 0.0),
            ("current_l3_a", 13.2),
            ("frequency_hz", 50.02),
            ("power_l1_w", 11_360.0),
            ("power_l2_w", 0.0),
            ("power_l3_w", -3_000.0),
            ("power_w", 8_360.0),
            ("energy_wh", 4_938_000.0),
        ],
    },
    // Watts as they are, hundredths of a kilowatt-hour.
    Golden {
        profile: "adw300",
        registers: &[
            (3, 0x0014, "089b 08a2 0896"),
            (3, 0x001A, "0214 0001 ea60"),
            (3, 0x001E, "0000 0494 0000 0000 fffd fcce fffe 0162"),
            (3, 0x003E, "b2d0 5e01"),
        ],
        values: &[
            ("voltage_l1_v", 220.3),
            ("voltage_l2_v", 221.0),
            ("voltage_l3_v", 219.8),
            ("current_l1_a", 5.32),
            ("current_l2_a", 0.01),
            ("current_l3_a", 600.0),
            ("power_l1_w", 1_172.0),
            ("power_l2_w", 0.0),
            ("power_l3_w", -131_890.0),
            ("power_w", -130_718.0),
            ("energy_wh", 30_000_000_010.0),
        ],
    },
    // Kilowatts, and watt-hours of 64 bits beyond what a binary32 could count.
    Golden {
        profile: "pm5000",
        registers: &[
            (3, 0x0BB7, "4128 0000 4134 0000 411c 0000"),
            (3, 0x0BD3, "4366 199a 4367 8000 4365 0000"),
            (3, 0x0BED, "401a 6666 4020 0000 be00 0000 4099 3333"),
            (3, 0x0C25, "4248 0000"),
            (3, 0x0C83, "0000 001c be99 1a14"),
        ],
        values: &[
            ("current_l1_a", 10.5),
            ("current_l2_a", 11.25),
            ("current_l3_a", 9.75),
            ("voltage_l1_v", 230.1),
            ("voltage_l2_v", 231.5),
            ("voltage_l3_v", 229.0),
            ("power_l1_w", 2_412.5),
            ("power_l2_w", 2_500.0),
            ("power_l3_w", -125.0),
            ("power_w", 4_787.5),
            ("frequency_hz", 50.0),
            ("energy_wh", 123_456_789_012.0),
        ],
    },
    // Kilowatts, and watt-hours of 64 bits.
    Golden {
        profile: "iem3000",
        registers: &[
            (3, 0x0BB7, "4060 0000 0000 0000 3e80 0000"),
            (3, 0x0BD3, "4365 8000 4366 0000 4366 8000"),
            (3, 0x0BED, "3f4c cccd 0000 0000 3d4c cccd 3f59 999a"),
            (3, 0x0C25, "4247 e148"),
            (3, 0x0C83, "0000 0001 2a05 f201"),
        ],
        values: &[
            ("current_l1_a", 3.5),
            ("current_l2_a", 0.0),
            ("current_l3_a", 0.25),
            ("voltage_l1_v", 229.5),
            ("voltage_l2_v", 230.0),
            ("voltage_l3_v", 230.5),
            ("power_l1_w", 800.0),
            ("power_l2_w", 0.0),
            ("power_l3_w", 50.0),
            ("power_w", 850.0),
            ("frequency_hz", 49.97),
            ("energy_wh", 5_000_000_001.0),
        ],
    },
    // Low word first: 2301 is 08FD 0000.
    Golden {
        profile: "em340",
        registers: &[
            (4, 0x0000, "08fd 0000 08f7 0000 0906 0000"),
            (4, 0x000C, "04d2 0000 1170 0001 0000 0000"),
            (4, 0x0012, "0b17 0000 74e8 0002 ffce ffff"),
            (4, 0x0028, "7fcd 0002"),
            (4, 0x0033, "01f4 1206 000f"),
        ],
        values: &[
            ("voltage_l1_v", 230.1),
            ("voltage_l2_v", 229.5),
            ("voltage_l3_v", 231.0),
            ("current_l1_a", 1.234),
            ("current_l2_a", 70.0),
            ("current_l3_a", 0.0),
            ("power_l1_w", 283.9),
            ("power_l2_w", 16_100.0),
            ("power_l3_w", -5.0),
            ("power_w", 16_378.9),
            ("frequency_hz", 50.0),
            ("energy_wh", 98_765_400.0),
        ],
    },
    // Low word first: 2301 is 08FD 0000.
    Golden {
        profile: "em24-e1",
        registers: &[
            (4, 0x0000, "08fd 0000 08f7 0000 0906 0000"),
            (4, 0x000C, "04d2 0000 1170 0001 0000 0000"),
            (4, 0x0012, "0b17 0000 74e8 0002 ffce ffff"),
            (4, 0x0028, "7fcd 0002"),
            (4, 0x0033, "01f4 1206 000f"),
        ],
        values: &[
            ("voltage_l1_v", 230.1),
            ("voltage_l2_v", 229.5),
            ("voltage_l3_v", 231.0),
            ("current_l1_a", 1.234),
            ("current_l2_a", 70.0),
            ("current_l3_a", 0.0),
            ("power_l1_w", 283.9),
            ("power_l2_w", 16_100.0),
            ("power_l3_w", -5.0),
            ("power_w", 16_378.9),
            ("frequency_hz", 50.0),
            ("energy_wh", 98_765_400.0),
        ],
    },
    // The manual's example: 43 66 33 34 is 230.2 V, to a decimal; 43 66 33 33 would be nearer.
    Golden {
        profile: "sdm120",
        registers: &[
            (4, 0x0000, "4366 3334"),
            (4, 0x0006, "3fa0 0000"),
            (4, 0x000C, "438f c000"),
            (4, 0x0046, "4248 147b 4148 0000"),
        ],
        values: &[
            ("voltage_v", 230.20001),
            ("current_a", 1.25),
            ("power_w", 287.5),
            ("frequency_hz", 50.02),
            ("energy_wh", 12_500.0),
        ],
    },
];
