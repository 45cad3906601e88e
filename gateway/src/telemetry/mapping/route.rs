//! What a mapping reads where: made of its specification, once.

use std::collections::{BTreeMap, BTreeSet};

use wire::{ChannelName, InstrumentKey};

use super::limits::{DEVICES_MAX, POINTER_BYTES_MAX, VALUES_MAX, WORD_BYTES_MAX, WORDS_MAX};
use super::number;
use super::ready;
use super::spec::{Format, Kind, MappingSpec, OnlineSpec, SpecFault, TimeSpec, ValueSpec};
use super::template::{NO_SUCH_NAME, Template};
use super::topic::Pattern;
use crate::telemetry::foreign::UNIT_CHARACTERS_MAX;

/// A mapping, ready to read messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    spec: MappingSpec,
    template: Template,
    routes: Vec<Route>,
}

/// What is read in one kind of topic.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Route {
    pub(super) pattern: Pattern,
    pub(super) reads: Reads,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reads {
    Values(Box<ValuesRead>),
    Online(OnlineRead),
    /// It is known what it is, and there is nothing in it to read.
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ValuesRead {
    /// The message is read only if it has one of these words there.
    pub(super) only_if: Option<(&'static str, &'static [&'static str])>,
    /// Where an array is whose entries are messages each; where there is none, see `or_whole`.
    pub(super) each: Option<String>,
    /// Without an array the message itself is the one entry.
    pub(super) or_whole: bool,
    /// Pointer before all others but that of the time.
    pub(super) root: String,
    pub(super) values: Vec<ValueRead>,
    /// A message may hold none of the values: it tells only what has changed.
    pub(super) is_partial: bool,
    /// Every number below it is a channel.
    pub(super) fields: Option<&'static str>,
    pub(super) time: Option<TimeSpec>,
    /// The device sends at once: a time in whole quarters of an hour from the arrival is that of a
    /// clock in another zone.
    pub(super) is_live: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct ValueRead {
    pub(super) pointer: Option<String>,
    pub(super) channel: ChannelName,
    pub(super) unit: String,
    pub(super) scale: f64,
    pub(super) offset: f64,
    pub(super) kind: Kind,
    pub(super) words: BTreeMap<String, f64>,
    pub(super) phases: Option<Phases>,
}

/// How the channels of a meter's phases are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Phases {
    pub(super) stem: &'static str,
    pub(super) ending: &'static str,
    pub(super) adds_up: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OnlineRead {
    pub(super) pointer: Option<String>,
    /// Whether the plain payload is a word too.
    pub(super) or_plain: bool,
    pub(super) online: Vec<String>,
    pub(super) offline: Vec<String>,
}

impl Mapping {
    /// Makes a mapping.
    ///
    /// # Errors
    /// Returns [`SpecFault`] naming the field.
    pub fn new(spec: MappingSpec) -> Result<Self, SpecFault> {
        let topic = |fault| SpecFault::new("topic", fault);
        let base = Pattern::parse(&spec.topic).map_err(topic)?;
        let template = Template::parse(&spec.instrument, &base)
            .map_err(|message| SpecFault::new("instrument", message))?;
        check(&spec)?;
        let extra: Vec<ValueRead> = spec.values.iter().map(ValueRead::of).collect();
        let mut routes = ready::routes(&spec, base, extra).map_err(topic)?;
        if let Some(online) = &spec.online {
            let route = online_route(online, &template)?;
            routes.retain(|route| !matches!(route.reads, Reads::Online(_)));
            routes.insert(0, route);
        }
        // Who is there is told without a message to look into.
        if template.needs_message() {
            routes.retain(|route| !matches!(route.reads, Reads::Online(_)));
        }
        Ok(Self {
            spec,
            template,
            routes,
        })
    }

    /// Returns what it is made of.
    #[must_use]
    pub fn spec(&self) -> &MappingSpec {
        &self.spec
    }

    /// Returns the channel that a Sparkplug metric of a document's topic becomes: the one that is named
    /// for it, or the one of its own name where none is named at all.
    #[must_use]
    pub fn channel_of_metric(&self, topic: &str, metric: &str) -> Option<ChannelName> {
        let mut routes = self.routes.iter();
        let route = routes.find(|route| route.pattern.captures(topic).is_some())?;
        match &route.reads {
            Reads::Values(_) if self.spec.format != Format::Sparkplug => return None,
            Reads::Values(reads) if reads.fields.is_some() => return number::channel_of(metric),
            Reads::Values(_) => {}
            Reads::Online(_) | Reads::Nothing => return None,
        }
        let pointer = format!("/{metric}");
        let mut values = self.spec.values.iter();
        let value = values.find(|value| value.pointer.as_deref() == Some(&pointer))?;
        Some(value.channel.clone())
    }

    pub(super) fn template(&self) -> &Template {
        &self.template
    }

    pub(super) fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Returns true if it names an instrument by its asset code, whatever comes.
    #[must_use]
    pub fn names(&self, key: &InstrumentKey) -> bool {
        self.spec.instrument == key.as_str() || self.spec.devices.values().any(|one| one == key)
    }

    /// Returns the instrument that what the template yields stands for.
    pub(super) fn key_of(&self, yielded: &str) -> Option<InstrumentKey> {
        let listed = self.spec.devices.get(yielded).cloned();
        listed.or_else(|| InstrumentKey::parse(yielded).ok())
    }
}

impl ValueRead {
    pub(super) fn of(spec: &ValueSpec) -> Self {
        Self {
            pointer: spec.pointer.clone(),
            channel: spec.channel.clone(),
            unit: spec.unit.clone(),
            scale: spec.scale,
            offset: spec.offset,
            kind: spec.kind,
            words: spec.words.clone(),
            phases: None,
        }
    }
}

fn online_route(online: &OnlineSpec, template: &Template) -> Result<Route, SpecFault> {
    let pattern =
        Pattern::parse(&online.topic).map_err(|fault| SpecFault::new("online.topic", fault))?;
    if !template.fits(&pattern) {
        return Err(SpecFault::new("online.topic", NO_SUCH_NAME));
    }
    if template.needs_message() {
        let message = "not with an asset code that comes from the message";
        return Err(SpecFault::new("online", message));
    }
    Ok(Route {
        pattern,
        reads: Reads::Online(OnlineRead {
            pointer: online.pointer.clone(),
            or_plain: false,
            online: online.online.clone(),
            offline: online.offline.clone(),
        }),
    })
}

fn check(spec: &MappingSpec) -> Result<(), SpecFault> {
    if spec.devices.len() > DEVICES_MAX {
        return Err(SpecFault::new("devices", "expected at most 500 entries"));
    }
    if spec.format == Format::Free && spec.values.is_empty() {
        return Err(SpecFault::new("values", "must not be empty"));
    }
    if spec.values.len() > VALUES_MAX {
        return Err(SpecFault::new("values", "expected at most 64 entries"));
    }
    let mut channels = BTreeSet::new();
    for (place, value) in spec.values.iter().enumerate() {
        let field = |name: &str| format!("values[{place}].{name}");
        check_value(value, &field)?;
        if !channels.insert(&value.channel) {
            return Err(SpecFault::new(
                &field("channel"),
                "this channel is there twice",
            ));
        }
    }
    check_pointer("each", spec.each.as_deref())?;
    check_pointer(
        "time.pointer",
        spec.time.as_ref().map(|time| time.pointer.as_str()),
    )?;
    if let Some(online) = &spec.online {
        check_pointer("online.pointer", online.pointer.as_deref())?;
        check_words("online.online", online.online.iter())?;
        check_words("online.offline", online.offline.iter())?;
    }
    if spec.format == Format::Sparkplug {
        ready::check_sparkplug(&spec.topic)?;
    }
    match (&spec.component, spec.format) {
        (Some(component), Format::Shelly) => ready::check_component(component),
        (Some(_), _) => Err(SpecFault::new("component", "only with the format `shelly`")),
        (None, _) => Ok(()),
    }
}

fn check_value(value: &ValueSpec, field: &dyn Fn(&str) -> String) -> Result<(), SpecFault> {
    check_pointer(&field("pointer"), value.pointer.as_deref())?;
    if value.unit.chars().count() > UNIT_CHARACTERS_MAX || value.unit.chars().any(char::is_control)
    {
        let message = "expected a unit of at most 16 characters";
        return Err(SpecFault::new(&field("unit"), message));
    }
    for (name, number) in [("scale", value.scale), ("offset", value.offset)] {
        if !number.is_finite() {
            return Err(SpecFault::new(&field(name), "expected a finite number"));
        }
    }
    if (value.kind == Kind::Words) == value.words.is_empty() {
        let message = "expected words with their numbers with the type `words`, and only then";
        return Err(SpecFault::new(&field("words"), message));
    }
    if value.words.values().any(|number| !number.is_finite()) {
        return Err(SpecFault::new(&field("words"), "expected a finite number"));
    }
    if value.words.is_empty() {
        return Ok(());
    }
    check_words(&field("words"), value.words.keys())
}

fn check_words<'w>(
    field: &str,
    words: impl ExactSizeIterator<Item = &'w String>,
) -> Result<(), SpecFault> {
    let count = words.len();
    let mut words = words;
    if count == 0 || count > WORDS_MAX || words.any(|word| word.len() > WORD_BYTES_MAX) {
        let message = "expected 1 to 32 words of at most 64 bytes";
        return Err(SpecFault::new(field, message));
    }
    Ok(())
}

fn check_pointer(field: &str, pointer: Option<&str>) -> Result<(), SpecFault> {
    let Some(pointer) = pointer else {
        return Ok(());
    };
    let is_pointer = pointer.is_empty() || pointer.starts_with('/');
    if !is_pointer || pointer.len() > POINTER_BYTES_MAX || pointer.chars().any(char::is_control) {
        let message = "expected a JSON pointer such as `/ENERGY/Power`, at most 256 bytes";
        return Err(SpecFault::new(field, message));
    }
    Ok(())
}
