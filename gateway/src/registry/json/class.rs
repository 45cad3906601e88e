//! Classes of callers as JSON.

use scheduler::class::{CallerClass, ClassSet};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where somebody who books stands towards the instrument's institution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CallerClass)]
pub enum ClassJson {
    /// Of the institution that the instrument's lab belongs to.
    Internal,
    /// Of another institution of the region.
    Region,
    /// Of an enterprise.
    Enterprise,
}

/// Returns the classes as a set; none means everybody.
pub(super) fn set(classes: &[ClassJson]) -> ClassSet {
    let classes = classes.iter().map(|class| match class {
        ClassJson::Internal => CallerClass::Internal,
        ClassJson::Region => CallerClass::Region,
        ClassJson::Enterprise => CallerClass::Enterprise,
    });
    ClassSet::of(&classes.collect::<Vec<_>>())
}

/// Returns the classes of a set.
pub(super) fn of(set: ClassSet) -> Vec<ClassJson> {
    let classes = set.classes().into_iter().map(|class| match class {
        CallerClass::Internal => ClassJson::Internal,
        CallerClass::Region => ClassJson::Region,
        CallerClass::Enterprise => ClassJson::Enterprise,
    });
    classes.collect()
}
