//! The order against a plain reading of it, whatever order the lists come in.

use proptest::prelude::*;

use super::*;

const HERE: InstrumentId = InstrumentId::new(1);

fn slot(start: i64, end: i64) -> Slot {
    Slot::new(Micros::new(start), Micros::new(end)).unwrap()
}

fn wish(id: i64, served: u32, created: i64, within: Slot, length: i64) -> Wish {
    Wish {
        id: WaitId::new(id),
        member: MemberId::new(id),
        instruments: vec![HERE],
        within,
        length: Span::new(length).unwrap(),
        created_at: Micros::new(created),
        auto_book: false,
        served_minutes: served,
    }
}

fn offer(wish: i64, slot: Slot, state: OfferState) -> Offer {
    let place = Place {
        instrument: HERE,
        slot,
    };
    Offer {
        wish: WaitId::new(wish),
        place,
        until: Micros::new(0),
        state,
    }
}

fn next(free: Slot, wishes: &[Wish], offers: &[Offer], from: i64) -> Option<(i64, Slot)> {
    let place = Place {
        instrument: HERE,
        slot: free,
    };
    let next = next_offer(place, wishes, offers, Micros::new(from), earliest);
    next.map(|(id, slot)| (id.get(), slot))
}

#[test]
fn the_least_served_comes_first_then_the_earliest_then_the_lower_id() {
    let all = slot(0, 100);
    let mut wishes = vec![
        wish(4, 10, 5, all, 3),
        wish(3, 10, 5, all, 3),
        wish(2, 10, 4, all, 3),
        wish(1, 9, 9, all, 3),
    ];
    for expected in [1, 2, 3, 4] {
        assert_eq!(
            next(slot(20, 30), &wishes, &[], 0),
            Some((expected, slot(20, 23)))
        );
        wishes.retain(|wish| wish.id.get() != expected);
    }
    assert_eq!(next(slot(20, 30), &wishes, &[], 0), None);
}

#[test]
fn an_offer_goes_round_until_it_is_taken() {
    let wishes = [
        wish(1, 0, 0, slot(20, 30), 10),
        wish(2, 5, 0, slot(0, 90), 4),
    ];
    let free = slot(20, 30);
    let open = |id, slot| offer(id, slot, OfferState::Open);
    let gone = |id, slot| offer(id, slot, OfferState::Declined);
    let late = |id, slot| offer(id, slot, OfferState::Expired);
    assert_eq!(next(free, &wishes, &[], 0), Some((1, free)));
    assert_eq!(
        next(free, &wishes, &[open(1, free)], 0),
        None,
        "one at a time"
    );
    assert_eq!(
        next(free, &wishes, &[gone(1, free)], 0),
        Some((2, slot(20, 24)))
    );
    assert_eq!(
        next(free, &wishes, &[late(1, free)], 0),
        Some((2, slot(20, 24)))
    );
    // What the second declined is not offered to him again, the rest is.
    assert_eq!(
        next(free, &wishes, &[gone(1, free), gone(2, slot(20, 24))], 0),
        Some((2, slot(24, 28)))
    );
    // Elsewhere one of them has an offer that stands, or has been served.
    let elsewhere = open(1, slot(50, 60));
    assert_eq!(
        next(free, &wishes, &[elsewhere], 0),
        Some((2, slot(20, 24)))
    );
    let taken = offer(1, slot(50, 60), OfferState::Taken);
    assert_eq!(next(free, &wishes, &[taken], 0), Some((2, slot(20, 24))));
}

#[test]
fn nothing_is_offered_that_does_not_fit() {
    let exact = [wish(1, 0, 0, slot(20, 30), 10)];
    assert_eq!(next(slot(20, 29), &exact, &[], 0), None);
    assert_eq!(next(slot(15, 35), &exact, &[], 0), Some((1, slot(20, 30))));
    assert_eq!(next(slot(15, 35), &exact, &[], 21), None, "it has begun");
    let elsewhere = Wish {
        instruments: vec![InstrumentId::new(2)],
        ..exact[0].clone()
    };
    assert_eq!(next(slot(15, 35), &[elsewhere], &[], 0), None);
    let nothing = [wish(1, 0, 0, slot(20, 30), 0)];
    assert_eq!(next(slot(20, 30), &nothing, &[], 0), None);
}

#[test]
fn a_policy_that_allows_nothing_passes_a_wish_over() {
    let wishes = [wish(1, 0, 0, slot(0, 90), 5), wish(2, 1, 0, slot(0, 90), 5)];
    let place = Place {
        instrument: HERE,
        slot: slot(20, 30),
    };
    let fit = |wish: &Wish, stretch: Slot| match wish.id.get() {
        // Outside the stretch: no slot.
        1 => Some(slot(30, 35)),
        _ => Slot::new(Micros::new(22), stretch.end().min(Micros::new(27))),
    };
    assert_eq!(
        next_offer(place, &wishes, &[], Micros::new(0), fit),
        Some((WaitId::new(2), slot(22, 27)))
    );
}

#[test]
fn an_offer_is_answered_once_and_in_time() {
    let (until, before) = (Micros::new(10), Micros::new(9));
    let open = OfferState::Open;
    assert_eq!(open.take(until, before), Ok(OfferState::Taken));
    assert_eq!(open.take(until, until), Err(WrongOffer::IsOver));
    assert_eq!(open.expire(until, before), Err(WrongOffer::TooEarly));
    assert_eq!(open.expire(until, until), Ok(OfferState::Expired));
    assert_eq!(open.decline(), Ok(OfferState::Declined));
    for state in [OfferState::Taken, OfferState::Declined, OfferState::Expired] {
        let same = Err(WrongOffer::Is(state));
        assert_eq!(state.take(until, before), same);
        assert_eq!(state.decline(), same);
        assert_eq!(state.expire(until, until), same);
    }
    for state in OfferState::ALL {
        assert_eq!(OfferState::parse(state.as_str()), Some(state));
    }
}

fn some_wishes() -> impl Strategy<Value = Vec<Wish>> {
    let one = (0u32..3, 0i64..3, 0i64..20, 1i64..20, 1i64..8, 1u32..4);
    prop::collection::vec(one, 0..7).prop_map(|all| {
        let wishes = all.into_iter().zip(1..);
        wishes
            .map(
                |((served, created, start, len, length, instruments), id)| Wish {
                    instruments: (instruments..4).map(InstrumentId::new).collect(),
                    ..wish(id, served, created, slot(start, start + len), length)
                },
            )
            .collect()
    })
}

fn some_offers() -> impl Strategy<Value = Vec<Offer>> {
    let state = prop_oneof![
        1 => Just(OfferState::Open),
        1 => Just(OfferState::Taken),
        4 => Just(OfferState::Declined),
        4 => Just(OfferState::Expired),
    ];
    let one = (1i64..7, 0i64..25, 1i64..8, 1u32..3, state);
    prop::collection::vec(one, 0..4).prop_map(|all| {
        all.into_iter()
            .map(|(id, start, len, instrument, state)| {
                let mut made = offer(id, slot(start, start + len), state);
                made.place.instrument = InstrumentId::new(instrument);
                made
            })
            .collect()
    })
}

/// The oracle: every start is tried for a wish.
fn first_fit(free: Slot, wish: &Wish, offers: &[Offer], from: i64) -> Option<Slot> {
    let own = |offer: &&Offer| offer.wish == wish.id;
    let is_served = offers
        .iter()
        .filter(own)
        .any(|offer| matches!(offer.state, OfferState::Open | OfferState::Taken));
    if is_served || !wish.instruments.contains(&HERE) {
        return None;
    }
    let tried = (from..60).map(|start| slot(start, start + wish.length.get()));
    let refused = |tried: Slot| {
        let mut own = offers.iter().filter(own);
        own.any(|made| made.place.instrument == HERE && made.place.slot.overlaps(tried))
    };
    tried
        .filter(|tried| free.covers(*tried) && wish.within.covers(*tried))
        .find(|tried| !refused(*tried))
}

proptest! {
    #[test]
    fn the_first_feasible_wish_in_order_gets_its_earliest_slot(
        (wishes, shuffled) in some_wishes().prop_flat_map(|wishes| {
            (Just(wishes.clone()), Just(wishes).prop_shuffle())
        }),
        offers in some_offers(), start in 0i64..20, len in 1i64..15, from in 0i64..25,
    ) {
        let free = slot(start, start + len);
        let blocked = offers.iter().any(|made| {
            made.state == OfferState::Open
                && made.place.instrument == HERE
                && made.place.slot.overlaps(free)
        });
        let feasible = wishes
            .iter()
            .filter_map(|wish| Some((wish, first_fit(free, wish, &offers, from)?)));
        let expected = feasible
            .min_by_key(|(wish, _)| (wish.served_minutes, wish.created_at, wish.id))
            .filter(|_| !blocked)
            .map(|(wish, slot)| (wish.id.get(), slot));
        prop_assert_eq!(next(free, &wishes, &offers, from), expected);
        prop_assert_eq!(next(free, &shuffled, &offers, from), expected);
    }
}
