//! Tests of when a poll asks for the whole again, and of the time that its readings bear.

use super::*;

#[tokio::test]
async fn a_request_that_was_split_is_asked_as_a_whole_again_after_a_while() {
    // Refuses the whole once, as a device does that is starting.
    let bad = misbehave(|number, asked| {
        let answer = if number == 1 {
            asked.answer(&[0x83, 2])
        } else {
            asked.echo()
        };
        (0, answer)
    })
    .await;
    let mut poller = poller(device(two(1), bad.port), allow("127.0.0.1"));
    for asked in [3, 5] {
        assert_eq!(poller.poll_once().await.values, [Ok(0.0), Ok(1.0)]);
        assert_eq!(bad.asked().len(), asked, "split");
    }
    let split_at = poller.split_at.unwrap();
    poller.split_at = Some(split_at.checked_sub(WHOLE_AGAIN).unwrap());
    for asked in [6, 7] {
        assert_eq!(poller.poll_once().await.values, [Ok(0.0), Ok(1.0)]);
        assert_eq!(bad.asked().len(), asked, "as a whole");
    }
}

#[tokio::test]
async fn readings_bear_the_time_of_the_answer_not_of_the_wait_for_the_line() {
    let start = Clocks {
        wall_ms: 1_790_000_000_000,
        mono_ms: 0,
    };
    let (clock, hand) = Clock::manual(start);
    // Each answer takes a second.
    let bad = misbehave(move |_, asked| {
        hand.advance(1_000);
        (20, asked.echo())
    })
    .await;
    let device = device(two(1), bad.port);
    let line = Arc::new(Line::new(device.way.clone(), allow("127.0.0.1")));
    let poller = |index| Poller::new(index, device.clone(), Arc::clone(&line), clock.clone());
    let (mut one, mut other) = (poller(0), poller(1));
    let (first, second) = tokio::join!(one.poll_once(), other.poll_once());
    let mut times = [first.at.mono_ms, second.at.mono_ms];
    times.sort_unstable();
    assert_eq!(times, [1_000, 2_000]);
}
