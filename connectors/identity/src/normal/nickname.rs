//! Given names and their short forms. It does not decide whether two people are the same.

/// A full name and its short forms. A short form may belong to several names.
const GROUPS: [(&str, &str); 86] = [
    ("abigail", "abby abbie gail"),
    ("alan", "al allan allen"),
    ("albert", "al bert bertie"),
    ("alexander", "alex al sandy xander alec"),
    ("alexandra", "alex sandy lexi sandra"),
    ("alfred", "al fred alf"),
    ("amanda", "mandy"),
    ("andrew", "andy drew"),
    ("andrea", "andie"),
    ("angela", "angie"),
    ("ann", "anne anna annie"),
    ("anthony", "tony"),
    ("arthur", "art"),
    ("barbara", "barb babs"),
    ("benjamin", "ben benny benji"),
    ("bernard", "bernie"),
    ("bradley", "brad"),
    ("catherine", "cathy cat kate katie kathy kit katherine kathryn cathryn"),
    ("charles", "charlie chuck chas"),
    ("christina", "chris christy tina christine kristina kristine kris"),
    ("christopher", "chris topher kit kristopher"),
    ("clifford", "cliff"),
    ("cynthia", "cindy"),
    ("daniel", "dan danny"),
    ("danielle", "dani"),
    ("david", "dave davy"),
    ("deborah", "deb debbie debra"),
    ("dennis", "denny"),
    ("donald", "don donny donnie"),
    ("dorothy", "dot dottie dolly"),
    ("douglas", "doug"),
    ("edward", "ed eddie ted ned"),
    ("eleanor", "ellie nell nora"),
    ("elizabeth", "liz lizzie beth betty betsy eliza elisabeth libby"),
    ("emily", "em"),
    ("eugene", "gene"),
    ("francis", "frank fran"),
    ("frances", "fran frannie"),
    ("francisco", "paco pancho frank"),
    ("frederick", "fred freddy rick"),
    ("gabriel", "gabe"),
    ("geoffrey", "geoff jeff jeffrey jeffery"),
    ("gerald", "gerry jerry"),
    ("gregory", "greg"),
    ("guadalupe", "lupe"),
    ("harold", "hal harry"),
    ("henry", "hank harry"),
    ("jacob", "jake"),
    ("jacqueline", "jackie"),
    ("james", "jim jimmy jamie"),
    ("janet", "jan"),
    ("jennifer", "jen jenny jenn"),
    ("jessica", "jess jessie"),
    ("jesus", "chuy"),
    ("john", "jack johnny jon"),
    ("jonathan", "jon john"),
    ("jose", "pepe joe"),
    ("joseph", "joe joey"),
    ("joshua", "josh"),
    ("judith", "judy"),
    ("kenneth", "ken kenny"),
    ("kimberly", "kim"),
    ("lawrence", "larry laurence"),
    ("leonard", "leo len lenny"),
    ("margaret", "maggie meg peggy marge margie"),
    ("matthew", "matt"),
    ("michael", "mike mick mikey"),
    ("nancy", "nan"),
    ("nathaniel", "nate nathan nat"),
    ("nicholas", "nick nicky nicolas"),
    ("pamela", "pam"),
    ("patricia", "pat patty tricia trish"),
    ("patrick", "pat paddy"),
    ("peter", "pete"),
    ("philip", "phil phillip"),
    ("rebecca", "becky becca"),
    ("richard", "rich rick dick ricky"),
    ("robert", "rob bob bobby robbie bert"),
    ("ronald", "ron ronnie"),
    ("samuel", "sam sammy"),
    ("stephen", "steve steven stevie"),
    ("susan", "sue susie suzanne"),
    ("theodore", "ted teddy theo"),
    ("thomas", "tom tommy"),
    ("timothy", "tim"),
    ("william", "bill will billy willie liam"),
];

/// Further names that are common in the United States and similar in spelling to another one. Two of them are two
/// people, not one with a typing error: Eric and Erica, Paul and Paula, Daniel and Danielle.
const OTHER_NAMES: &str = "adam adrian adriana aaron erin eric erica erik paul paula carl carla carlos karl mario maria marie mary mark \
    marc martin martina michelle micheal george georgia georgina juan juana joan joann joanne jean jeanne gene gina tina nina dean diane dana \
    diana denise dominic dominique julia julian julie juliana louis louise luis luisa lisa liza linda laura lauren lori stephanie brian \
    brianna bryan ryan bruce sean shawn shauna shane kevin keith kelly kyle karen karin carol caroline carolyn carrie kerry terry terri tara \
    sara sarah sharon shannon sherry cheryl victor victoria vincent valerie vanessa walter wayne wanda roger rodney roberta robin ruben ruth \
    russell rose rosa ray raymond ramon ralph randy ryder jason jared jordan justin justine travis trevor tyler taylor todd tracy troy \
    angel angelo antonio antonia miguel manuel manuela pedro pablo jorge javier jaime rafael ricardo roberto fernando eduardo enrique ernest \
    ernesto hector hugo oscar omar alice alicia alison allison amy ana april ashley audrey brenda brittany crystal courtney doris donna edith \
    ella ellen elena emma esther eva evelyn florence gloria grace hannah heather helen irene jane janice jasmine joyce kayla lillian \
    lucy marilyn marcus maurice megan melissa melanie mildred monica natalie nicole norma olivia pauline rachel rita samantha sophia sylvia \
    teresa theresa tiffany virginia vivian wendy yolanda yvonne zachary logan lucas mason noah ethan evan ian ivan glen glenn gary gordon \
    craig curtis corey cory dale darrell darren derek earl edwin elmer floyd herbert howard jeremy jesse jimmie leon leroy lloyd melvin \
    norman phyllis";

/// Whether both names can be the same person's: equal, or short forms of one full name.
pub fn same(left: &str, right: &str) -> bool {
    left == right || GROUPS.iter().any(|group| stands_for(left, group) && stands_for(right, group))
}

/// Whether the name is known, so that another known name is not a misspelling of it.
pub fn is_known(name: &str) -> bool {
    GROUPS.iter().any(|group| stands_for(name, group))
        || OTHER_NAMES.split_ascii_whitespace().any(|known| known == name)
}

fn stands_for(name: &str, (full, short): &(&str, &str)) -> bool {
    *full == name || short.split(' ').any(|form| form == name)
}

#[cfg(test)]
mod tests {
    use super::{is_known, same};

    #[test]
    fn short_forms_match_their_name_but_not_one_another() {
        assert!(same("bob", "robert") && same("bill", "will") && same("kathy", "katherine"));
        assert!(same("pat", "patrick") && same("pat", "patricia"));
        assert!(!same("patrick", "patricia") && !same("daniel", "danielle") && !same("john", "james"));
        assert!(is_known("danielle") && is_known("paula") && !is_known("danile"));
    }
}
