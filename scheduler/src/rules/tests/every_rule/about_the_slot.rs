//! Rows of rules about begin and length.

use super::{Cure, Row, hours, row, span};
use crate::blocks::{Block, Blocks};
use crate::calendar::{DayHours, Weekly};
use crate::facts::Action;
use crate::fixture::{World, at, slot};
use crate::policy::RuleBody;
use crate::refusal::{Figure, RuleId};
use crate::time::{HOUR_US, MINUTE_US};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = when();
    rows.extend(how_long());
    rows.extend(notices());
    rows
}

fn when() -> Vec<Row> {
    let week = Weekly(vec![DayHours::new(&[2], 480, 1320).unwrap()]);
    let just_past = World::wanting(slot(-1, HOUR_US));
    let askew = World::wanting(slot(15 * MINUTE_US + 1, 75 * MINUTE_US + 1));
    let straight = World::wanting(slot(15 * MINUTE_US, 75 * MINUTE_US));
    let alignment = RuleBody::Alignment { minutes: 15 };
    let opening = RuleBody::OpeningHours(week.into());
    let shift = |from: u16, to: u16| Block::new(&[2], from * 60, to * 60).unwrap();
    let blocks = RuleBody::FixedBlocks(Blocks(vec![shift(8, 12), shift(13, 17)]));
    let open = slot(8 * HOUR_US, 22 * HOUR_US);
    vec![
        row(RuleId::Past, None, hours(0, 1), just_past)
            .figures(Figure::Time(at(0)), Figure::Time(at(-1)))
            .cured(Cure::Begin(0)),
        row(RuleId::Alignment, alignment, straight, askew.clone())
            .figures(span(15), Figure::Slot(askew.slot))
            .cured(Cure::Begin(30 * MINUTE_US)),
        row(RuleId::OpeningHours, opening, hours(8, 9), hours(7, 9))
            .figures(Figure::Open(vec![open]), Figure::Slot(hours(7, 9).slot))
            .cured(Cure::Begin(8 * HOUR_US)),
        row(RuleId::Blocks, blocks, hours(8, 12), hours(9, 13))
            .figures(
                Figure::Open(vec![hours(8, 12).slot, hours(13, 17).slot]),
                Figure::Slot(hours(9, 13).slot),
            )
            .cured(Cure::Begin(13 * HOUR_US)),
    ]
}

fn how_long() -> Vec<Row> {
    let shortest = RuleBody::Shortest { minutes: 120 };
    let longest = RuleBody::Longest { minutes: 120 };
    let horizon = RuleBody::Horizon { days: 2 };
    vec![
        row(RuleId::Shortest, shortest, hours(1, 3), hours(1, 2)).figures(span(120), span(60)),
        row(RuleId::Longest, longest, hours(1, 3), hours(1, 4)).figures(span(120), span(180)),
        row(RuleId::Horizon, horizon, hours(48, 50), hours(49, 50))
            .figures(span(2 * 1440), Figure::Time(at(49 * HOUR_US)))
            .cured(Cure::Now(HOUR_US)),
    ]
}

fn notices() -> Vec<Row> {
    let to_book = RuleBody::NoticeToBook { minutes: 120 };
    let to_move = RuleBody::NoticeToMove { minutes: 120 };
    let to_cancel = RuleBody::NoticeToCancel { minutes: 120 };
    let from_nine = |hour: i64| World {
        action: Action::Change {
            held: hours(9, 10).slot,
        },
        now: at(hour * HOUR_US),
        ..hours(19, 20)
    };
    let cancel = |hour: i64| World {
        action: Action::Cancel,
        now: at(hour * HOUR_US),
        ..hours(9, 10)
    };
    vec![
        row(RuleId::NoticeToBook, to_book, hours(2, 3), hours(1, 2))
            .figures(span(120), span(60))
            .cured(Cure::Begin(2 * HOUR_US)),
        row(RuleId::NoticeToMove, to_move, from_nine(7), from_nine(8)).figures(span(120), span(60)),
        row(RuleId::NoticeToCancel, to_cancel, cancel(7), cancel(8)).figures(span(120), span(60)),
    ]
}
