//! A lab with people who run it, and rules.

use scheduler::class::ClassSet;
use scheduler::policy::{Mode, Rule, RuleBody};

use super::record::{Notice, NoticeKind};
use super::*;

/// Runs the lab.
pub(super) const MANAGER: i64 = 17;
/// Administers the centre.
pub(super) const ADMIN: i64 = 18;

/// Returns the place with staff, with defaults at the first instrument and binding rules at the
/// centre.
pub(super) async fn staffed(
    defaults: impl IntoIterator<Item = RuleBody>,
    binding: impl IntoIterator<Item = RuleBody>,
) -> Place {
    let mut import = world();
    for (id, role, node) in [(MANAGER, Role::Manager, 4), (ADMIN, Role::CentreAdmin, 2)] {
        import.members.push(Member {
            id: MemberId::new(id),
            login: format!("m{id}"),
            display: names("m"),
            password_hash: String::new(),
            roles: vec![RoleOn {
                role,
                node: NodeId::new(node),
            }],
            active: true,
            version: 1,
        });
    }
    import.rules = vec![
        (
            Scope::Instrument(InstrumentId::new(1)),
            set(defaults, Mode::Default),
        ),
        (Scope::Node(NodeId::new(2)), set(binding, Mode::Binding)),
    ];
    Place::of(import).await
}

pub(super) fn set(bodies: impl IntoIterator<Item = RuleBody>, mode: Mode) -> RuleSet {
    let rule = |body| Rule {
        body,
        mode,
        classes: ClassSet::ALL,
    };
    RuleSet {
        version: 0,
        rules: bodies.into_iter().map(rule).collect(),
    }
}

/// What a member was told, in order.
pub(super) fn notices(place: &Place, member: i64) -> Vec<NoticeKind> {
    let kinds = told(place, member);
    kinds.iter().map(|notice| notice.kind).collect()
}

/// What a member was told, whole.
pub(super) fn told(place: &Place, member: i64) -> Vec<Notice> {
    let ledger = place.desk.ledger();
    let notices = ledger.notices.iter();
    let theirs = notices.filter(|notice| notice.member == MemberId::new(member));
    theirs.map(|notice| Notice::clone(notice)).collect()
}

/// The slots claimed on the first instrument.
pub(super) fn claimed(place: &Place) -> Vec<Slot> {
    let snapshot = place.snapshot(1);
    let mut slots: Vec<Slot> = snapshot
        .occupancy
        .claims()
        .map(|claim| claim.slot)
        .collect();
    slots.sort_unstable();
    slots
}

#[track_caller]
pub(super) fn changed(outcome: ChangeOutcome) -> std::sync::Arc<record::Booking> {
    let ChangeOutcome::Changed(booking) = outcome else {
        panic!("expected a change, got {outcome:?}")
    };
    booking
}
