//! Emitted events fit their published schema.

use handoff_sdk::testkit::Delivered;

pub(crate) fn assert_published(delivered: &Delivered) {
    for event in &delivered.emitted {
        let (subject, key) = (event.subject.as_deref(), event.partition_key.as_deref());
        handoff_event_schemas::assert_emitted(&event.type_name, subject, key, &event.data);
    }
}
