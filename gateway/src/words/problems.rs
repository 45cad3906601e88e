//! Titles and help texts of the closed list of problems.

use super::Said;
use crate::http::problem::ProblemType;

/// What people are told about a kind of problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemWords {
    /// One line, the same for every case.
    pub title: Said,
    /// What happened and what to do next; the help page.
    pub help: Said,
}

/// Returns the words for a kind of problem.
#[must_use]
pub fn problem(kind: ProblemType) -> ProblemWords {
    ProblemWords {
        title: title(kind),
        help: help(kind),
    }
}

fn title(kind: ProblemType) -> Said {
    match kind {
        ProblemType::MalformedRequest => Said::fixed("请求格式不正确", "The request is malformed"),
        ProblemType::NotSignedIn => Said::fixed("未登录", "Not signed in"),
        ProblemType::NotAllowed => Said::fixed("没有权限", "Not allowed"),
        ProblemType::NotFound => Said::fixed("未找到", "Not found"),
        ProblemType::MethodNotAllowed => Said::fixed("不支持的操作", "Not a thing to do here"),
        ProblemType::SlotTaken => Said::fixed("该时段已被占用", "The slot is taken"),
        ProblemType::StaleVersion => Said::fixed("内容已被他人修改", "Somebody else changed it"),
        ProblemType::WrongState => {
            Said::fixed("当前状态不允许此操作", "Not possible in this state")
        }
        ProblemType::RefusedByPolicy => {
            Said::fixed("不符合预约规则", "Refused by the booking rules")
        }
        ProblemType::IdempotencyKeyReused => Said::fixed(
            "幂等键已用于另一请求",
            "The idempotency key was used for another request",
        ),
        ProblemType::TooLarge => Said::fixed("请求过大", "The request is too large"),
        ProblemType::TooManyRequests => Said::fixed("请求过于频繁", "Too many requests"),
        ProblemType::NotReady => Said::fixed("服务暂不可用", "Not ready"),
        ProblemType::Internal => Said::fixed("内部错误", "Internal error"),
    }
}

fn help(kind: ProblemType) -> Said {
    match kind {
        ProblemType::MalformedRequest => Said::fixed(
            "请求的某个字段无法理解。errors 逐项列出字段及原因；按提示修改后重试。",
            "A part of the request cannot be understood. `errors` lists each field with the reason; \
             mend them and try again.",
        ),
        ProblemType::NotSignedIn => Said::fixed(
            "此操作需要登录，或登录已过期，或令牌无效。请重新登录，或换用有效的令牌。",
            "This needs somebody signed in, or the session is over, or the token is not valid. \
             Sign in again or use a valid token.",
        ),
        ProblemType::NotAllowed => Said::fixed(
            "您已登录，但没有执行此操作的权限。如需权限，请联系实验室的仪器管理员或分中心管理员。",
            "You are signed in, but your roles do not cover this. Ask the manager of the lab or the \
             administrator of the centre.",
        ),
        ProblemType::NotFound => Said::fixed(
            "没有这个对象，或者您无权看到它。请检查地址。",
            "It does not exist, or it is not for you to see. Check the address.",
        ),
        ProblemType::MethodNotAllowed => Said::fixed(
            "这个地址存在，但不支持该请求方法；Allow 头列出支持的方法。",
            "The address exists but not for this method; the `Allow` header lists those it has.",
        ),
        ProblemType::SlotTaken => Said::fixed(
            "conflicts 列出占用该时段的记录，next_free 给出随后可预约的时段。",
            "`conflicts` lists what holds the time, `next_free` offers the next slots that are free.",
        ),
        ProblemType::StaleVersion => Said::fixed(
            "您读取之后它已被修改。请重新读取，再作修改。",
            "It was changed after you read it. Read it again, then change it.",
        ),
        ProblemType::WrongState => Said::fixed(
            "例如：预约已取消或已结束，或仪器仍有未来的预约。详情见 detail。",
            "For example: the booking is cancelled or over, or the instrument still has bookings \
             ahead. `detail` tells which.",
        ),
        ProblemType::RefusedByPolicy => Said::fixed(
            "refusals 列出全部原因及数值：规则、上限、实际值、何时可通过、谁可以破例。",
            "`refusals` lists every reason with its figures: the rule, its limit, what was asked, \
             when it would pass, who may set it aside.",
        ),
        ProblemType::IdempotencyKeyReused => Said::fixed(
            "同一 Idempotency-Key 在 24 小时内只能用于内容完全相同的请求。请换一个键。",
            "Within 24 hours an `Idempotency-Key` belongs to one request body. Use a new key.",
        ),
        ProblemType::TooLarge => Said::fixed(
            "请求体不得超过 1 MiB。",
            "A request body may have at most 1 MiB.",
        ),
        ProblemType::TooManyRequests => Said::fixed(
            "请在 retry_after_s 秒之后再试。",
            "Try again after `retry_after_s` seconds.",
        ),
        ProblemType::NotReady => Said::fixed(
            "reason 说明原因，例如磁盘已满或正在关闭。请在 retry_after_s 秒之后再试。",
            "`reason` tells why, for example a full disk or a shutdown. Try again after \
             `retry_after_s` seconds.",
        ),
        ProblemType::Internal => Said::fixed(
            "这是程序的问题，不是您的。请把 instance 中的编号告诉管理员，日志中可据此查到原因。",
            "The fault is ours. Give the number in `instance` to an administrator; the log tells \
             the cause under it.",
        ),
    }
}
