//! Points and appeals: shown to those who got them, decided by the lab.

use std::sync::Arc;

use axum::extract::State;
use scheduler::id::NodeId;
use scheduler::time::Micros;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Json;
use super::body::{Body, Query};
use super::caller::SignedIn;
use super::page::{Limit, newest_first};
use super::path::Number;
use super::problem::{Problem, ProblemType};
use super::state::HttpState;
use super::texts::check_prose;
use super::time::Zoned;
use super::view::{List, PersonView};
use crate::booking::record::{AppealState, Penalty, PenaltyReason};
use crate::booking::{AppealOutcome, DecideAppeal, LodgeAppeal};
use crate::registry::{Directory, Instrument, NodeKind, Right};
use crate::words::Said;

/// Most characters of an appeal and of its answer.
const TEXT_CHARACTERS_MAX: usize = 2_000;

/// An appeal to lodge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppealRequest {
    /// Why the points are wrong; 1 to 2000 characters.
    text: String,
}

/// A decision on an appeal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    /// Whether the points are taken back.
    grant: bool,
    /// What is answered; at most 2000 characters.
    #[serde(default)]
    answer: String,
}

/// Points given to a member.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Penalty)]
pub struct PenaltyView {
    /// Identity.
    id: i64,
    /// To whom.
    member: PersonView,
    /// The instrument's key.
    instrument: String,
    /// Its name, in the reader's language.
    instrument_name: String,
    /// For which booking.
    booking: i64,
    /// For what.
    reason: PenaltyReason,
    /// How many.
    points: u32,
    /// When.
    at: Zoned,
    /// Whether they were taken back.
    lifted: bool,
    /// The appeal.
    appeal: Option<AppealView>,
    /// What the caller may try now: `appeal`, `decide`.
    can: Vec<&'static str>,
}

/// An appeal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Appeal)]
pub struct AppealView {
    /// What the member says.
    text: String,
    /// When.
    at: Zoned,
    /// Where it stands.
    state: AppealState,
    /// What was answered.
    answer: String,
    /// When it was decided.
    decided_at: Option<Zoned>,
}

/// Which points to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only the caller's own; so too when no lab is named.
    #[serde(default)]
    mine: bool,
    /// Those on instruments of a lab that the caller manages or audits.
    lab: Option<i64>,
    /// Only those with an open appeal, or without one.
    appealed: Option<bool>,
    /// Items on a page, 1 to 500.
    #[serde(default)]
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
    /// Where the page begins.
    cursor: Option<i64>,
}

/// Lists points of the last 400 days, the newest first.
#[utoipa::path(get, path = "/api/v1/penalties", tag = "bookings", params(Filter),
    responses((status = 200, body = List<PenaltyView>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    who: SignedIn,
    Query(filter): Query<Filter>,
) -> Result<Json<List<PenaltyView>>, Problem> {
    let directory = state.directory().load_full();
    let lab = filter.lab.map(|lab| seen_lab(&directory, who, lab));
    let lab = lab.transpose()?;
    let ledger = state.desk().ledger();
    let held = ledger.penalties.iter().filter_map(|held| {
        let instrument = directory.instruments.get(&held.instrument)?;
        let is_own = held.member == who.member;
        let is_wanted = (is_own || !filter.mine)
            && lab.map_or(is_own, |lab| lab == instrument.lab)
            && filter
                .appealed
                .is_none_or(|wanted| wanted == is_appealed(held));
        is_wanted.then_some((held.id, (instrument, held)))
    });
    let page = (filter.limit, filter.cursor);
    Ok(Json(newest_first(
        held.collect(),
        page,
        |(instrument, held)| PenaltyView::of(&directory, who, instrument, held),
    )))
}

fn seen_lab(directory: &Directory, who: SignedIn, lab: i64) -> Result<NodeId, Problem> {
    let lab = directory.nodes.get(&NodeId::new(lab));
    let lab = lab
        .filter(|node| node.kind == NodeKind::Lab)
        .ok_or_else(|| Problem::field("lab", "no such lab"))?
        .id;
    if !who.caller.may(directory, Right::Account, lab) {
        who.caller
            .demand(directory, Right::ManageInstruments, lab)?;
    }
    Ok(lab)
}

fn is_appealed(penalty: &Penalty) -> bool {
    let appeal = penalty.appeal.as_ref();
    appeal.is_some_and(|appeal| appeal.state == AppealState::Open)
}

/// Appeals against points of one's own: within 30 days, once.
#[utoipa::path(post, path = "/api/v1/penalties/{id}/appeal", tag = "bookings", request_body = AppealRequest,
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = PenaltyView), (status = 409, description = "wrong-state")))]
pub(super) async fn appeal(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    Body(asked): Body<AppealRequest>,
) -> Result<Json<PenaltyView>, Problem> {
    let directory = state.directory().load_full();
    let (held, instrument) = seen(&state, &directory, who, number)?;
    if held.member != who.member {
        return Err(Problem::new(ProblemType::NotAllowed));
    }
    if asked.text.trim().is_empty() {
        return Err(Problem::field("text", "must not be empty"));
    }
    check_prose("text", &asked.text, TEXT_CHARACTERS_MAX)?;
    let lodge = LodgeAppeal {
        penalty: held.id,
        member: who.member,
        text: asked.text,
    };
    let penalty = done(state.desk().ask(lodge).await?)?;
    Ok(Json(PenaltyView::of(&directory, who, instrument, &penalty)))
}

/// Decides an appeal on an instrument that the caller manages; nobody decides the own one.
#[utoipa::path(post, path = "/api/v1/penalties/{id}/decide", tag = "bookings", request_body = DecisionRequest,
    params(("id" = i64, Path, description = "Identity")),
    responses((status = 200, body = PenaltyView), (status = 409, description = "wrong-state")))]
pub(super) async fn decide(
    State(state): State<HttpState>,
    who: SignedIn,
    number: Number,
    Body(asked): Body<DecisionRequest>,
) -> Result<Json<PenaltyView>, Problem> {
    let directory = state.directory().load_full();
    let (held, instrument) = seen(&state, &directory, who, number)?;
    let right = Right::ManageInstruments;
    who.caller.demand(&directory, right, instrument.lab)?;
    if held.member == who.member {
        let detail = Said::fixed("不能处理自己的申诉", "Nobody decides the own appeal");
        return Err(Problem::new(ProblemType::NotAllowed).detail(detail));
    }
    check_prose("answer", &asked.answer, TEXT_CHARACTERS_MAX)?;
    let decide = DecideAppeal {
        penalty: held.id,
        by: who.member,
        grant: asked.grant,
        answer: asked.answer,
    };
    let penalty = done(state.desk().ask(decide).await?)?;
    Ok(Json(PenaltyView::of(&directory, who, instrument, &penalty)))
}

fn done(outcome: AppealOutcome) -> Result<Arc<Penalty>, Problem> {
    let said = match outcome {
        AppealOutcome::Done(penalty) => return Ok(penalty),
        AppealOutcome::NotFound => return Err(Problem::not_found()),
        AppealOutcome::TooLate => Said::fixed(
            "已超过 30 天的申诉期限",
            "The 30 days for an appeal are over",
        ),
        AppealOutcome::Again => Said::fixed("已经申诉过", "There was an appeal already"),
        AppealOutcome::Lifted => Said::fixed("扣分已撤销", "The points were taken back already"),
        AppealOutcome::NothingToDecide => Said::fixed(
            "没有待处理的申诉",
            "There is no appeal that waits for a decision",
        ),
    };
    Err(Problem::wrong_state(said))
}

/// Returns points that the caller may know of, and their instrument.
fn seen<'d>(
    state: &HttpState,
    directory: &'d Directory,
    who: SignedIn,
    number: Number,
) -> Result<(Arc<Penalty>, &'d Instrument), Problem> {
    let held = state.desk().ledger().penalties.get(number.0).cloned();
    let held = held.ok_or_else(Problem::not_found)?;
    let instrument = directory.instruments.get(&held.instrument);
    let instrument = instrument.ok_or_else(Problem::not_found)?;
    if held.member == who.member || who.caller.sees_inside(directory, instrument) {
        Ok((held, instrument))
    } else {
        Err(Problem::not_found())
    }
}

impl PenaltyView {
    fn of(directory: &Directory, who: SignedIn, instrument: &Instrument, held: &Penalty) -> Self {
        let zone = instrument.zone;
        let language = who.caller.language;
        let is_own = held.member == who.member;
        let manages = who
            .caller
            .may(directory, Right::ManageInstruments, instrument.lab);
        let mut can = Vec::new();
        if is_own && held.appeal.is_none() && !held.lifted {
            can.push("appeal");
        }
        if !is_own && manages && is_appealed(held) {
            can.push("decide");
        }
        let appeal = held.appeal.as_ref().map(|appeal| AppealView {
            text: appeal.text.clone(),
            at: Zoned(Micros::new(appeal.at_us), zone),
            state: appeal.state,
            answer: appeal.answer.clone(),
            decided_at: appeal.decided_us.map(|us| Zoned(Micros::new(us), zone)),
        });
        Self {
            id: held.id,
            member: PersonView::of(directory, held.member, language),
            instrument: instrument.key.as_str().to_owned(),
            instrument_name: language.of(&instrument.names).to_owned(),
            booking: held.booking.get(),
            reason: held.reason,
            points: held.points,
            at: Zoned(held.at, zone),
            lifted: held.lifted,
            appeal,
            can,
        }
    }
}
