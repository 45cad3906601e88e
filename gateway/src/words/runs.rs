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

/// Returns that a run cannot have been a booking's.
#[must_use]
pub fn not_that_booking() -> Said {
    Said::fixed(
        "该仪器没有这条预约，或它不在这次上机的时间、不可能被使用",
        "No such booking of this instrument, or it is not about the time of the run or cannot have been used",
    )
}

/// Returns that a run cannot end then.
#[must_use]
pub fn bad_run_end() -> Said {
    Said::fixed(
        "必须在开始之后，且不晚于现在",
        "must come after the start of the run, and not after now",
    )
}

/// Returns that use was not for a project.
#[must_use]
pub fn not_for_project() -> Said {
    Said::fixed(
        "没有这个课题，或使用人不在课题中，或课题当时未开展",
        "No such project, or whoever used it does not work on it, or it did not run then",
    )
}

/// Returns that use lies too far back to be entered.
#[must_use]
pub fn declared_too_late() -> Said {
    Said::fixed("最早为 400 天前", "at most 400 days ago")
}

/// Returns that use in that time is known already.
#[must_use]
pub fn use_is_known() -> Said {
    Said::fixed(
        "该时段已有上机记录，不能补录",
        "Use in that time is recorded already",
    )
}
