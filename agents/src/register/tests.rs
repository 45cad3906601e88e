//! Tests of decoding: a table of every width and order, and properties.

use super::*;
use proptest::prelude::*;

fn register(kind: Kind, order: Order) -> Register {
    Register {
        channel: ChannelName::parse("x").unwrap(),
        function: Function::InputRegisters,
        address: 0,
        kind,
        order,
        scale: 1.0,
        offset: 0.0,
        unit: String::new(),
        not_a_value: Vec::new(),
        min: None,
        max: None,
        least: 0.0,
        ratios: Vec::new(),
        source: String::new(),
    }
}

#[track_caller]
fn check(kind: Kind, order: Order, words: &[u16], expected: Result<f64, Quality>) {
    assert_eq!(register(kind, order).decode(words), expected);
}

#[test]
fn every_word_order_of_every_width() {
    // 0x43661999 is the binary32 nearest to 230.1.
    check(Kind::F32, Order::Abcd, &[0x4366, 0x199A], Ok(230.1));
    check(Kind::F32, Order::Cdab, &[0x199A, 0x4366], Ok(230.1));
    check(Kind::F32, Order::Badc, &[0x6643, 0x9A19], Ok(230.1));
    check(Kind::F32, Order::Dcba, &[0x9A19, 0x6643], Ok(230.1));
    let hundred = f64::from(0x0102_0304);
    check(Kind::U32, Order::Abcd, &[0x0102, 0x0304], Ok(hundred));
    check(Kind::U32, Order::Cdab, &[0x0304, 0x0102], Ok(hundred));
    check(Kind::U32, Order::Badc, &[0x0201, 0x0403], Ok(hundred));
    check(Kind::U32, Order::Dcba, &[0x0403, 0x0201], Ok(hundred));
    check(Kind::I32, Order::Cdab, &[0xFFFE, 0xFFFF], Ok(-2.0));
    check(Kind::U16, Order::Abcd, &[0x0102], Ok(258.0));
    check(Kind::U16, Order::Cdab, &[0x0102], Ok(258.0));
    check(Kind::U16, Order::Badc, &[0x0102], Ok(513.0));
    check(Kind::U16, Order::Dcba, &[0x0102], Ok(513.0));
    check(Kind::I16, Order::Abcd, &[0xFFFF], Ok(-1.0));
    let far = nearest(0x0001_0002_0003_0004);
    check(Kind::U64, Order::Abcd, &[1, 2, 3, 4], Ok(far));
    check(Kind::U64, Order::Cdab, &[4, 3, 2, 1], Ok(far));
    check(Kind::I64, Order::Badc, &[0xFFFF; 4], Ok(-1.0));
    check(
        Kind::I64,
        Order::Dcba,
        &[0x0400, 0x0300, 0x0200, 0x0100],
        Ok(far),
    );
    let pi = std::f64::consts::PI.to_bits();
    let words = disassemble(pi, 4, Order::Abcd);
    check(Kind::F64, Order::Abcd, &words, Ok(std::f64::consts::PI));
    check(Kind::Bit(0), Order::Abcd, &[0xFFFF], Ok(1.0));
    check(Kind::Bit(15), Order::Abcd, &[0x7FFF], Ok(0.0));
}

#[test]
fn scaled_integers_are_the_nearest_decimal() {
    let mut volts = register(Kind::U16, Order::Abcd);
    volts.scale = 0.1;
    assert_eq!(volts.decode(&[2301]), Ok(230.1));
    volts.scale = 0.01;
    assert_eq!(volts.decode(&[1207]), Ok(12.07));
    volts.scale = 1000.0;
    volts.offset = -0.5;
    assert_eq!(volts.decode(&[3]), Ok(2999.5));
}

#[test]
fn what_is_not_a_value_is_never_a_number() {
    check(
        Kind::F32,
        Order::Abcd,
        &[0x7FC0, 0],
        Err(Quality::NotAValue),
    );
    check(
        Kind::F32,
        Order::Abcd,
        &[0xFF80, 0],
        Err(Quality::NotAValue),
    );
    check(Kind::F32, Order::Abcd, &[0x4366], Err(Quality::Nonsense));
    check(Kind::U16, Order::Abcd, &[], Err(Quality::Nonsense));
    let mut register = register(Kind::I16, Order::Abcd);
    register.not_a_value = vec![0x8000];
    register.min = Some(-100.0);
    register.max = Some(100.0);
    assert_eq!(register.decode(&[0x8000]), Err(Quality::NotAValue));
    assert_eq!(register.decode(&[101]), Err(Quality::OutOfRange));
    assert_eq!(register.decode(&[0x8001]), Err(Quality::OutOfRange));
    assert_eq!(register.decode(&[100]), Ok(100.0));
}

#[test]
fn a_ratio_keeps_decimals_exact() {
    let mut volts = register(Kind::U16, Order::Abcd);
    volts.scale = 0.1;
    // 229.7 x 35 is 8039.499999999999 in binary64.
    assert_eq!(volts.value(2297.0, 35.0), Ok(8039.5));
    volts.max = Some(8000.0);
    assert_eq!(volts.value(2297.0, 35.0), Err(Quality::OutOfRange));
    assert_eq!(volts.value(2297.0, f64::INFINITY), Err(Quality::NotAValue));
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        (0..16_u8).prop_map(Kind::Bit),
        Just(Kind::U16),
        Just(Kind::I16),
        Just(Kind::U32),
        Just(Kind::I32),
        Just(Kind::F32),
        Just(Kind::F64),
    ]
}

fn any_order() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::Abcd),
        Just(Order::Cdab),
        Just(Order::Badc),
        Just(Order::Dcba)
    ]
}

proptest! {
    #[test]
    fn decode_is_total_and_finite(
        kind in any_kind(),
        order in any_order(),
        words in prop::collection::vec(any::<u16>(), 0..6),
    ) {
        if let Ok(value) = register(kind, order).decode(&words) {
            prop_assert!(value.is_finite());
        }
    }

    #[test]
    fn encode_is_the_inverse_of_decode(
        kind in any_kind(),
        order in any_order(),
        words in prop::collection::vec(any::<u16>(), 4),
    ) {
        let register = register(kind, order);
        let words = &words[..usize::from(register.words())];
        if let Ok(value) = register.decode(words) {
            prop_assert_eq!(register.decode(&register.encode(value)), Ok(value));
        }
    }
}
