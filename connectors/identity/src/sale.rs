//! A sale starts a new ownership period. It must not merge the buyer with a previous owner.

use handoff_sdk::{Context, Event, Failure};

use crate::{
    attach::{attach, hold},
    book::Book,
    config::Config,
    facts,
    identify::identify,
    input::Sale,
    normal::vin,
    record::Role,
};

/// `com.handoff.sale.closed.v1`. The same car at the same instant is the same sale.
///
/// # Errors
/// Rejects `invalid-data` and `vin-invalid`.
pub fn close(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let sale: Sale = event.json()?;
    let Some(vin) = vin::valid(&sale.vin) else {
        return Err(Failure::reject(
            "vin-invalid",
            "`vin` must have 17 characters of the VIN alphabet and a correct check digit: correct it in the sale.",
        ));
    };
    let book = Book::new(cx.state());
    let reading = facts::of_sale(&sale.customer, cx.config());
    let mut car = book.car(&vin)?;
    if let Some(known) = car.periods.iter().find(|period| period.since == Some(sale.sold_at)) {
        cx.info("sale is known: the buyer's facts are updated", &[("customer", &known.profile)]);
        attach(book, &known.profile, &reading, None, cx.now())?;
        return Ok(());
    }
    let sold_at = sale.sold_at.to_string();
    let identified = identify(cx, &reading, &["sale", &vin, &sold_at], None)?;
    let former = car.periods.last().map(|period| period.profile.clone());
    car.sell(&identified.profile_id, sale.sold_at);
    book.put_car(&vin, &car)?;
    let is_current = car.periods.last().is_some_and(|period| period.profile == identified.profile_id);
    let mut changes = vec![(identified.profile_id.clone(), if is_current { Role::Owner } else { Role::FormerOwner })];
    changes.extend(
        former
            .filter(|former| is_current && *former != identified.profile_id)
            .map(|former| (former, Role::FormerOwner)),
    );
    for (profile_id, role) in changes {
        if let Some(mut profile) = book.profile(&profile_id)? {
            hold(&mut profile, &vin, role);
            book.put_profile(&profile_id, &profile)?;
        }
    }
    cx.counter("ownership-periods-started", 1, &[]);
    cx.info("ownership period started", &[("customer", &identified.customer_id), ("decision", identified.decision)]);
    Ok(())
}
