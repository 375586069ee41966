"""QuestionForms that tests share."""

NAMESPACE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2017-11-06/QuestionForm.xsd"


def question(name, answer, content="<Text>How much?</Text>", required="true"):
    return (
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier><DisplayName>{name.title()}</DisplayName>"
        f"<IsRequired>{required}</IsRequired><QuestionContent>{content}</QuestionContent>"
        f"<AnswerSpecification>{answer}</AnswerSpecification></Question>"
    )


def free_text(constraints="", rest=""):
    return f"<FreeTextAnswer><Constraints>{constraints}</Constraints>{rest}</FreeTextAnswer>"


def selection(names, style="", least="", most="", other=""):
    counts = f"<MinSelectionCount>{least}</MinSelectionCount>" if least else ""
    counts += f"<MaxSelectionCount>{most}</MaxSelectionCount>" if most else ""
    styled = f"<StyleSuggestion>{style}</StyleSuggestion>" if style else ""
    choices = "".join(
        f"<Selection><SelectionIdentifier>{name}</SelectionIdentifier><Text>A {name}</Text></Selection>"
        for name in names
    )
    return f"<SelectionAnswer>{counts}{styled}<Selections>{choices}{other}</Selections></SelectionAnswer>"


def form(*parts, namespace=NAMESPACE):
    return f'<QuestionForm xmlns="{namespace}">{"".join(parts)}</QuestionForm>'


FORM = form(
    "<Overview><Title>About you</Title><Text>Two questions.</Text></Overview>",
    question("age", free_text('<IsNumeric minValue="1" maxValue="120"/><Length maxLength="3"/>')),
    question("pets", selection(["cat", "dog", "none"], "checkbox", 1, 2), required="false"),
)
