//! The Modbus devices whose registers the gateway knows: what an instrument's source may name.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Json;
use super::caller::SignedIn;
use super::state::HttpState;
use super::view::Whole;

/// A device profile: the register map of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceProfile {
    /// The name that a source gives, such as `sdm630`.
    name: String,
    /// What the device is, for people.
    title: String,
    /// Where its registers are documented.
    source: String,
    /// What it is read for.
    channels: Vec<ProfileChannel>,
}

/// A channel of a device profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfileChannel {
    /// Its name.
    name: String,
    /// Its unit; empty: a bare number.
    unit: String,
}

/// Returns the device profiles that the gateway polls by, those of its own folder among them.
#[utoipa::path(get, path = "/api/v1/device-profiles", tag = "settings",
    responses((status = 200, body = Whole<DeviceProfile>)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    _: SignedIn,
) -> Json<Whole<DeviceProfile>> {
    let channel = |register: &agents::register::Register| ProfileChannel {
        name: register.channel.to_string(),
        unit: register.unit.clone(),
    };
    let profiles = state.polling().profiles().iter();
    let profiles = profiles.map(|profile| DeviceProfile {
        name: profile.name.clone(),
        title: profile.title.clone(),
        source: profile.source.clone(),
        channels: profile.registers.iter().map(channel).collect(),
    });
    Json(Whole {
        items: profiles.collect(),
    })
}
