//! Leads as web sites and lead services send them: ADF in several formats. It only builds text.

pub mod people;
pub mod wrap;

/// One lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// The sender's id; also in the comments, so that the lead is recognized at the CRM.
    pub id: String,
    /// `status="resend"`.
    pub resend: bool,
    /// Request date as the sender writes it.
    pub requested_at: String,
    /// Given name.
    pub first: String,
    /// Surname.
    pub last: String,
    /// E-mail address as the customer wrote it.
    pub phone: Option<String>,
    /// Phone number as the customer wrote it.
    pub email: Option<String>,
    /// Street, city, region, postal code.
    pub address: Option<[String; 4]>,
    /// The car that the customer asks about.
    pub vehicle: Vehicle,
    /// The customer's trade-in.
    pub trade_in: Option<Vehicle>,
    /// The customer's comments.
    pub comments: String,
}

/// A car.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vehicle {
    /// `new` or `used`.
    pub status: &'static str,
    /// Model year.
    pub year: u16,
    /// Make.
    pub make: &'static str,
    /// Model.
    pub model: &'static str,
    /// Vehicle identification number.
    pub vin: Option<String>,
}

impl Lead {
    /// A plain lead of an unknown person. The same number gives the same lead.
    pub fn new(number: u64) -> Self {
        people::stranger(number)
    }

    /// The same lead, resent with other comments.
    #[must_use]
    pub fn resent(&self, words: &str) -> Self {
        Self { resend: true, comments: format!("{} {words}", self.comments), ..self.clone() }
    }

    /// The text to find in the comments of the CRM's entry.
    pub fn mark(&self) -> String {
        format!("[{}]", self.id)
    }

    /// A document with only this lead.
    pub fn adf(&self) -> String {
        adf(std::slice::from_ref(self))
    }

    fn prospect(&self) -> String {
        let status = if self.resend { " status=\"resend\"" } else { "" };
        let phone = self.phone.iter().map(|text| format!("<phone type=\"cellphone\">{}</phone>", escape(text)));
        let email = self.email.iter().map(|text| format!("<email>{}</email>", escape(text)));
        let address = self.address.iter().map(|[street, city, region, code]| {
            format!(
                "<address><street line=\"1\">{}</street><city>{city}</city><regioncode>{region}</regioncode><postalcode>{code}</postalcode></address>",
                escape(street)
            )
        });
        let contact: String = email.chain(phone).chain(address).collect();
        let trade_in = self.trade_in.iter().map(|vehicle| vehicle.xml("trade-in")).collect::<String>();
        format!(
            "  <prospect{status}>
    <id sequence=\"1\" source=\"CarFinder\">{id}</id>
    <requestdate>{date}</requestdate>
{vehicle}{trade_in}    <customer>
      <contact><name part=\"first\">{first}</name><name part=\"last\">{last}</name>{contact}</contact>
      <comments>{comments} {mark}</comments>
    </customer>
    <vendor><id source=\"CarFinder\">MS-01</id><vendorname>Main Street Motors</vendorname><contact><name part=\"full\">Sales Desk</name></contact></vendor>
    <provider><name part=\"full\">CarFinder</name><service>Web leads</service></provider>
  </prospect>
",
            id = self.id,
            date = self.requested_at,
            vehicle = self.vehicle.xml("buy"),
            first = escape(&self.first),
            last = escape(&self.last),
            comments = escape(&self.comments),
            mark = self.mark(),
        )
    }
}

impl Vehicle {
    fn xml(&self, interest: &str) -> String {
        let vin = self.vin.as_ref().map(|vin| format!("<vin>{vin}</vin>")).unwrap_or_default();
        format!(
            "    <vehicle interest=\"{interest}\" status=\"{}\"><year>{}</year><make>{}</make><model>{}</model>{vin}</vehicle>\n",
            self.status, self.year, self.make, self.model
        )
    }
}

/// A document with several leads.
pub fn adf(leads: &[Lead]) -> String {
    let prospects: String = leads.iter().map(Lead::prospect).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<?adf version=\"1.0\"?>\n<adf>\n{prospects}</adf>\n")
}

/// Escapes text for XML and HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
