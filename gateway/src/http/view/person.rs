//! A person where one is mentioned, for those who may see who it is.

use scheduler::id::MemberId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::registry::Directory;
use crate::words::Language;

/// A person where one is mentioned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Person)]
pub struct PersonView {
    /// Identity.
    pub id: i64,
    /// What others see, in the reader's language.
    pub name: String,
}

impl PersonView {
    /// Returns a member's view; one that is not there has no name.
    #[must_use]
    pub fn of(directory: &Directory, id: MemberId, language: Language) -> Self {
        let member = directory.members.get(&id);
        let name = member.map_or("", |member| language.of(&member.display));
        Self {
            id: id.get(),
            name: name.to_owned(),
        }
    }
}
