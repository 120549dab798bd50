//! What goes with a record in the same frame: an audit entry, undo, a moved marker. Holds facts only, like records.
//!
//! A frame's payload is a record and, if anything goes with it, a list behind it. So records stay as they were written
//! by older versions, and any of them can take more with it. An older version refuses what it finds behind a record.

use serde::{Deserialize, Serialize};

use crate::model::installation::GenerationDetails;
use crate::model::names::{Generation, InstallationId};
use crate::store::StoreError;
use crate::store::audit::AuditEntry;
use crate::store::facts::FactKind;
use crate::store::journal::Location;
use crate::store::rows::encode;

use super::Record;

/// Something that goes with a record. Variants are only ever appended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) enum More {
    /// An entry of the audit chain.
    Audit(Box<AuditEntry>),
    /// A generation's details, and how many deliveries were committed before it.
    Details { installation: InstallationId, generation: Generation, details: Box<GenerationDetails>, committed: u64 },
    /// A fact of the host, or its end.
    Fact { kind: FactKind, key: String, value: Option<Vec<u8>> },
}

/// A frame's content.
#[derive(Clone, Debug)]
pub(in crate::store) struct Written {
    pub(in crate::store) record: Record,
    pub(in crate::store) more: Vec<More>,
}

impl Written {
    /// The payload of a record's frame.
    pub(in crate::store) fn encode(record: &Record, more: &[More]) -> Vec<u8> {
        let mut payload = encode(record);
        if !more.is_empty() {
            payload.extend_from_slice(&encode(&more));
        }
        payload
    }

    /// Reads the payload of the frame at `at`. Bytes left over are refused: another version wrote what this one would lose.
    pub(in crate::store) fn read(payload: &[u8], at: Location) -> Result<Self, StoreError> {
        let bad = |source| StoreError::BadRecord { segment: at.segment, offset: at.offset, source };
        let (record, rest) = postcard::take_from_bytes::<Record>(payload).map_err(bad)?;
        // What a repair put in place of damage fills all of its bytes.
        if rest.is_empty() || is_bridge(&record) && rest.iter().all(|byte| *byte == 0) {
            return Ok(Self { record, more: Vec::new() });
        }
        match postcard::take_from_bytes::<Vec<More>>(rest).map_err(bad)? {
            (more, []) if !more.is_empty() => Ok(Self { record, more }),
            _ => Err(bad(postcard::Error::DeserializeBadEncoding)),
        }
    }
}

fn is_bridge(record: &Record) -> bool {
    matches!(record, Record::Carried { events, requests, forget } if events.is_empty() && requests.is_empty() && forget.is_empty())
}
