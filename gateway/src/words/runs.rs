//! Why a run cannot be settled or entered as asked.

use super::Said;

/// Returns that a run is not over yet.
#[must_use]
pub fn run_goes_on() -> Said {
    Said::fixed(
        "上机仍在进行，或随后的数据还可能改变这条记录",
        "The run still goes on, or data to come may change it",
    )
}

/// Returns that nobody knows whose a run is.
#[must_use]
pub fn run_is_nobodys() -> Said {
    Said::fixed(
        "还不知道是谁上机：请指定预约或用户，或驳回",
        "Nobody knows whose run it is: name a booking or a member, or reject it",
    )
}

/// Returns that use in that time is known already.
#[must_use]
pub fn use_is_known() -> Said {
    Said::fixed(
        "该时段已有上机记录，不能补录",
        "Use in that time is recorded already",
    )
}
