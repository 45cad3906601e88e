//! Why a booking cannot go on as asked from where it is.

use scheduler::booking::{Status, WrongState};

use super::Said;

/// Returns what stands against a transition.
#[must_use]
pub fn wrong_state(wrong: WrongState) -> Said {
    match wrong {
        WrongState::Is(status) => is(status),
        WrongState::IsOver => Said::fixed("预约已结束", "The booking is over"),
        WrongState::HasBegun => Said::fixed(
            "预约已开始，不能再改开始时间",
            "The booking has begun; its start stays",
        ),
        WrongState::TooEarly => Said::fixed("还没有到时间", "It is too early for this"),
        WrongState::EndsTooSoon => Said::fixed(
            "预约已开始，结束时间不能早于现在",
            "The booking has begun; it cannot end before now",
        ),
    }
}

/// Returns why something cannot begin or be extended at once.
#[must_use]
pub fn not_at_once() -> Said {
    Said::fixed(
        "这需要先审批，不能立即生效",
        "Somebody has to approve this first; it cannot take effect at once",
    )
}

fn is(status: Status) -> Said {
    match status {
        Status::Pending => Said::fixed("预约还在等待审批", "The booking waits for approval"),
        Status::Confirmed => Said::fixed("预约已确认", "The booking is confirmed"),
        Status::InUse => Said::fixed("预约正在使用中", "The booking is in use"),
        Status::Completed => Said::fixed("预约已完成", "The booking is completed"),
        Status::NoShow => Said::fixed("预约已记为爽约", "The booking is marked as a no-show"),
        Status::Unverified => Said::fixed(
            "预约是否使用尚未核实",
            "Whether the booking is used is not verified",
        ),
        Status::Cancelled => Said::fixed("预约已取消", "The booking is cancelled"),
        Status::Declined => Said::fixed("预约未获批准", "The booking was declined"),
        Status::Expired => Said::fixed(
            "预约未按时获批，已失效",
            "The booking was not approved in time",
        ),
    }
}
