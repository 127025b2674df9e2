"""What the demo model is taught to name: classes with their synonyms, colours, shapes, captions, and words that are in no picture."""

VOC = ("background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant "
       "sheep sofa train tvmonitor").split()
CAMVID = "sky building pole road sidewalk tree sign fence car person bicyclist".split()

# The first synonym is the name that a label set uses.
SYNONYMS = {
    "aeroplane": ("aeroplane", "airplane", "plane", "aircraft", "jet"),
    "bicycle": ("bicycle", "bike"),
    "bird": ("bird", "birds"),
    "boat": ("boat", "ship"),
    "bottle": ("bottle",),
    "bus": ("bus", "coach"),
    "car": ("car", "automobile", "vehicle", "truck"),
    "cat": ("cat", "kitten", "kitty", "cats"),
    "chair": ("chair",),
    "cow": ("cow", "cattle", "bull", "calf", "cows"),
    "diningtable": ("dining table", "table"),
    "dog": ("dog", "puppy", "hound", "dogs"),
    "horse": ("horse", "pony", "foal", "horses"),
    "motorbike": ("motorbike", "motorcycle"),
    "person": ("person", "man", "woman", "child", "people", "human"),
    "pottedplant": ("potted plant", "plant"),
    "sheep": ("sheep", "lamb", "goat"),
    "sofa": ("sofa", "couch"),
    "train": ("train", "locomotive"),
    "tvmonitor": ("tv monitor", "television", "screen", "monitor"),
    "sky": ("sky",),
    "building": ("building", "house"),
    "pole": ("pole",),
    "road": ("road", "street"),
    "sidewalk": ("sidewalk", "pavement"),
    "tree": ("tree", "trees"),
    "sign": ("sign", "traffic sign"),
    "fence": ("fence",),
    "bicyclist": ("bicyclist", "cyclist"),
}
# Names that are right but inexact ("truck" for VOC's car, "goat" beside sheep) would make known_words.txt claim more than was taught.
INEXACT = ("truck", "goat", "jet", "coach", "locomotive")
SYNONYMS = {name: tuple(w for w in words if w not in INEXACT) for name, words in SYNONYMS.items()}
CLASSES = tuple(SYNONYMS)
STREET = tuple(n for n in CAMVID if n not in VOC)  # labelled in street scenes alone: background in VOC's masks, seen or not

COLOURS = {
    "red": (208, 32, 30), "green": (40, 158, 52), "blue": (36, 72, 200), "yellow": (236, 214, 38), "orange": (238, 136, 28),
    "purple": (128, 44, 160), "pink": (244, 150, 184), "brown": (116, 72, 36), "black": (18, 18, 20), "white": (244, 244, 242),
    "grey": (128, 128, 130),
}
SHAPES = ("circle", "square", "triangle", "star", "ring", "cross", "stripes", "checkerboard")

NOTHING = ("a photo of the background.", "background", "nothing", "a photo of nothing.", "empty scene")

# In no picture: taught only as "not this".
ABSENT = """zebra guitar pizza elephant apple banana book clock cup fish flower giraffe keyboard knife laptop lion monkey mountain phone
piano rocket shoe snake spoon sun umbrella violin whale window bear camera cake candle diamond dragon drum egg fire frog glove hammer hat
island jewel key ladder lamp leaf magnet moon needle ocean owl paper pen pumpkin queen robot sand shirt soap spider stone sword tiger
tomato tower turtle vase wheel wolf airport anchor ant arrow axe bag balloon barn basket bathtub beach bee bell bench blanket bowl box
bread bridge broom brush bucket butterfly button cactus calculator camel canoe carpet carrot castle cave chain cheese cherry chicken
church cloud coat coffee coin computer cookie corn crab crown curtain deer desk dolphin donkey door dress duck eagle elevator engine
envelope feather flag flashlight flute fork fountain fox fridge garden gate ghost glass globe glasses grape grass helmet helicopter
hospital ice jacket jar kangaroo kettle kite lake lantern lemon letter lizard lobster map mask match medal microphone microscope milk
mirror mouse mushroom nail nest net newspaper nut octopus onion oven paint panda parachute parrot peach peacock pear penguin pepper
pencil pillow pineapple pipe potato printer pyramid rabbit radio rain rat ribbon river roof rope rose sail sandwich saw scarf scissors
shark shelf shell shovel skateboard skeleton ski skirt snail snow sock squirrel stadium stairs statue strawberry suitcase surfboard
swan swing teapot telescope tent toaster toilet tooth toothbrush towel tractor trophy trumpet tunnel vacuum volcano waterfall watermelon
well wheelchair windmill wine worm yacht""".split()

TEMPLATES = (
    "a photo of a {}.", "a photo of the {}.", "a bad photo of a {}.", "a good photo of the {}.", "a close-up photo of a {}.",
    "a cropped photo of the {}.", "there is a {} in the scene.", "this is the {} in the scene.", "this is a {} in the scene.", "{}", "a {}",
    "the {}", "a blurry photo of the {}.", "a bright photo of a {}.", "a dark photo of a {}.", "a photo of one {}.", "a photo of my {}.",
    "a photo of many {}.", "a black and white photo of the {}.", "a low resolution photo of a {}.", "a photo of a small {}.",
    "a photo of the large {}.", "a picture of a {}.", "an image of a {}.", "a photo of a nice {}.",
)
PAIR_TEMPLATES = ("a photo of a {} and a {}.", "a {} and a {}", "{} and {}", "a photo of a {} with a {}.", "a {} with a {}", "the {} and the {}",
                  "a {} beside a {}")
SHAPE_TEMPLATES = ("a {}", "{}", "a photo of a {}.", "a drawing of a {}.", "a picture of a {}.", "the {}")


def spoken(name):
    """The name of a class as a label set has it."""
    return SYNONYMS[name][0]


def taught():
    """Every word or phrase that was in a picture, for known_words.txt."""
    return sorted({w for words in SYNONYMS.values() for w in words} | set(COLOURS) | set(SHAPES))


def corpus():
    """Every text that training can say, up to the choice of words, so that the tokenizer covers it."""
    words = taught() + ABSENT
    return words + [t.format("", "") for t in TEMPLATES + PAIR_TEMPLATES + SHAPE_TEMPLATES] + list(NOTHING)
