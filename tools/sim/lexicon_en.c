/* The English words. */
#include "tools/sim/lexicon.h"

/* One topic a line group. */
/* clang-format off */
const struct lexicon lexicon_en = {
    .categories = {
    { /* sports */
        .nouns = {
            "running shoes|trail running shoes|marathon racing flats|jogging shorts|running socks|sprint spikes|running belt|running vest|"
            "reflective running jacket|runner sneakers|half marathon entry|running tights",
            "basketball|football boots|soccer ball|volleyball net|tennis racket|badminton set|table tennis bat|golf clubs|baseball glove|"
            "basketball hoop|tennis balls|goalkeeper gloves",
            "dumbbells|yoga mat|kettlebell weights|resistance bands|treadmill|rowing machine|jump rope|weight bench|foam roller|gym gloves|"
            "pull up bar|exercise ball",
            "road bike|mountain bike|cycling jersey|bike helmet|bicycle pump|cycling shorts|swim goggles|swimming cap|racing swimsuit|"
            "bicycle pedals|bike lock|swim fins"},
        .traits = "for marathon training|with good grip|for the gym|for athletes|for sweaty workouts|for faster laps|for team practice|"
                  "with breathable mesh|for winning matches|for fitness beginners"},
    { /* outdoor */
        .nouns = {
            "hiking boots|hiking jacket|trekking poles|hiking backpack|rain poncho|trail map|compass|climbing rope|climbing harness|"
            "mountaineering boots|hydration pack|carabiner",
            "camping tent|sleeping bag|camp stove|camping lantern|hammock|folding camp chair|headlamp|campfire grill|camping mattress|"
            "water canteen|survival kit|camping cot",
            "fishing rod|fishing reel|fishing lures|tackle box|fishing line|landing net|wading boots|fly fishing set|bait bucket|fishing hooks|"
            "kayak|inflatable boat",
            "skis|ski boots|snowboard|ski goggles|ski jacket|snow gloves|ice skates|sled|snowshoes|thermal underwear|ski poles|avalanche beacon"},
        .traits = "for the mountains|for wild nights|for long treks|for cold summits|in the wilderness|for forest trails|for lake weekends|"
                  "against wind and snow|for explorers|for summit days"},
    { /* kitchen */
        .nouns = {
            "kettle|electric kettle|whistling kettle|teapot|gooseneck kettle|thermos jug|water boiler|tea infuser|glass kettle|milk frother|"
            "french press|moka pot",
            "frying pan|wok|cooking pot|saucepan|cast iron skillet|casserole dish|pressure cooker|steamer basket|stock pot|grill pan|"
            "cookware set|soup pot",
            "chef knife|bread knife|cutting board|vegetable peeler|kitchen scissors|garlic press|knife sharpener|ladle|spatula|whisk|"
            "can opener|grater",
            "dinner plates|soup bowls|chopsticks|cutlery set|wine glasses|baking tray|cake mould|rolling pin|mixing bowl|lunch box|"
            "spice jars|measuring cups"},
        .traits = "for home cooks|for the stove|dishwasher safe|for induction hobs|for family dinners|for boiling water|in stainless steel|"
                  "with wooden handle|for small kitchens|for Sunday roasts"},
    { /* appliances */
        .nouns = {
            "vacuum cleaner|robot vacuum|steam mop|cordless vacuum|carpet washer|window cleaning robot|handheld vacuum|floor scrubber|"
            "dust mite cleaner|vacuum bags|mop robot|wet dry vacuum",
            "washing machine|tumble dryer|steam iron|garment steamer|ironing board|clothes drying rack|spin dryer|shoe dryer|laundry basket|"
            "mini washer|washer dryer combo|lint remover",
            "air conditioner|air purifier|humidifier|dehumidifier|electric fan|space heater|radiator|ceiling fan|tower fan|oil heater|"
            "underfloor heating|air cooler",
            "refrigerator|dishwasher|microwave oven|freezer|range hood|gas cooker|oven|toaster|rice cooker|blender|water dispenser|"
            "ice maker"},
        .traits = "with low energy use|with remote control|for the whole household|with quiet motor|with timer|with large drum|"
                  "with two year warranty|for pet owners homes|with child lock|with filter"},
    { /* furniture */
        .nouns = {
            "sofa|corner sofa|armchair|coffee table|television stand|bookshelf|recliner|sideboard|ottoman|display cabinet|sofa cover|"
            "bean bag chair",
            "double bed|mattress|wardrobe|bedside table|pillow|duvet|bed sheets|bunk bed|blanket|chest of drawers|bed frame|quilt cover",
            "office chair|standing desk|writing desk|filing cabinet|dining table|dining chairs|bar stool|conference table|desk drawer|"
            "bookcase|study desk|kitchen bench",
            "floor lamp|desk lamp|ceiling light|chandelier|wall lamp|carpet|curtains|wall mirror|picture frame|area rug|roller blind|"
            "night light"},
        .traits = "in solid oak|for the living room|for the bedroom|in walnut|with storage|for small apartments|easy to assemble|"
                  "with velvet cover|in nordic design|for cosy evenings"},
    { /* garden */
        .nouns = {
            "rose bush|tulip bulbs|tomato seeds|herb seeds|succulent plant|orchid|potting soil|fertilizer|fruit tree|sunflower seeds|"
            "bonsai tree|lavender plant",
            "garden shovel|pruning shears|rake|wheelbarrow|garden gloves|hedge trimmer|chainsaw|axe|watering can|garden hose|sprinkler|"
            "leaf blower",
            "lawn mower|robot mower|grass seed|lawn trimmer|lawn edging|compost bin|greenhouse|garden shed|fence panels|weed killer|"
            "artificial grass|rain barrel",
            "patio umbrella|garden bench|balcony planter|garden swing|flower pot|outdoor cushions|bird feeder|garden fountain|fire pit|"
            "solar garden lights|trellis|patio heater"},
        .traits = "for green thumbs|for the balcony|for spring planting|for your yard|weatherproof|for flower beds|for vegetable patches|"
                  "for hedges|in terracotta|for sunny terraces"},
    { /* phones */
        .nouns = {
            "smartphone|mobile phone|foldable phone|android phone|senior phone|satellite phone|flip phone|cell phone|dual sim phone|"
            "phone contract|prepaid sim card|flagship handset",
            "phone case|screen protector|leather phone cover|phone strap|phone ring holder|tempered glass film|silicone phone case|"
            "waterproof phone pouch|phone wallet|phone skin|clear case|bumper case",
            "phone charger|power bank|charging cable|wireless charger|usb charger|phone battery|fast charging plug|magnetic charger|"
            "charging station|travel adapter|solar charger|phone dock",
            "smartwatch|fitness tracker|watch charging stand|smart ring|selfie stick|phone gimbal|stylus pen|phone tripod|phone holder|"
            "smart glasses|smart band|sim tray tool"},
        .traits = "with fast charging|with big screen|with long battery life|unlocked|for all models|with five g|with triple camera|"
                  "with fingerprint sensor|in matte black|for mobile calls"},
    { /* computers */
        .nouns = {
            "laptop|notebook computer|gaming laptop|desktop computer|mini computer|workstation|tablet computer|ultrabook|all in one computer|"
            "laptop sleeve|laptop stand|server tower",
            "mechanical keyboard|wireless mouse|mouse pad|webcam|wireless keyboard|vertical mouse|trackball|numeric keypad|usb hub|"
            "laptop cooler|keyboard cover|docking station",
            "hard drive|solid state drive|memory card reader|usb stick|network router|wifi extender|network switch|memory module|"
            "graphics card|processor|mainboard|cloud storage",
            "computer monitor|laser printer|inkjet printer|ink cartridge|scanner|projector|printer paper|curved monitor|monitor arm|"
            "label printer|office software|antivirus software"},
        .traits = "for programmers|with sixteen gigabytes|for home office|with backlight|for video editing|with quiet fan|plug and play|"
                  "with high resolution|for windows and linux|for spreadsheets"},
    { /* photo and sound */
        .nouns = {
            "mirrorless camera|digital camera|instant camera|action camera|film camera|video camera|camera drone|compact camera|camcorder|"
            "film rolls|photo album|photo printer",
            "camera lens|telephoto lens|wide angle lens|camera tripod|camera bag|camera flash|lens filter|studio light|camera battery|"
            "light meter|camera strap|macro lens",
            "headphones|earbuds|noise cancelling headphones|wireless earphones|studio headphones|headphone amplifier|ear pads|"
            "in ear monitors|headphone stand|bone conduction headphones|hifi headphones|sleep earbuds",
            "bluetooth speaker|soundbar|bookshelf speakers|record player|vinyl records|subwoofer|home cinema system|hifi amplifier|radio|"
            "smart speaker|cd player|karaoke machine"},
        .traits = "with deep bass|for portraits|with optical zoom|for vloggers|with clear sound|for audiophiles|for landscape shots|"
                  "with image stabiliser|for movie nights|with noise reduction"},
    { /* games */
        .nouns = {
            "game console|handheld console|game controller|racing wheel|arcade stick|console game|retro console|game gift card|"
            "virtual reality headset|joystick|gamepad|role playing game",
            "board game|chess set|card game|poker chips|strategy game|mahjong set|party game|dice set|trading cards|domino|quiz game|"
            "backgammon",
            "jigsaw puzzle|model kit|building bricks|model railway|magic cube|model aircraft|puzzle box|remote control helicopter|"
            "toy robot kit|slot car track|miniature figures|anime figure",
            "gaming chair|gaming headset|gaming mouse|gaming keyboard|gaming desk|esports jersey|gaming monitor|capture card|"
            "streaming microphone|game skins|online game subscription|gaming glasses"},
        .traits = "for two players|for game night|with bonus level|for gamers|for puzzle lovers|for ages twelve and up|multiplayer|"
                  "with collector box|for esports|for rainy afternoons"},
    { /* fashion */
        .nouns = {
            "summer dress|evening gown|cocktail dress|pleated skirt|maxi dress|wedding dress|denim skirt|silk dress|knitted dress|"
            "wrap dress|lace blouse|jumpsuit",
            "winter coat|leather jacket|trench coat|down jacket|denim jacket|wool coat|blazer|cardigan|hoodie|parka|bomber jacket|"
            "cashmere sweater",
            "dress shirt|jeans|chinos|polo shirt|cotton t shirt|linen trousers|business suit|necktie|leggings|pyjamas|flannel shirt|"
            "cargo trousers",
            "high heels|loafers|leather boots|ballet flats|canvas shoes|ankle boots|oxford shoes|sandals|slippers|platform shoes|"
            "wool scarf|leather belt"},
        .traits = "in slim fit|for autumn outfits|in plus sizes|for office looks|in linen blend|for weddings|in pastel colours|"
                  "with floral print|for the party season|with long sleeves"},
    { /* jewellery and bags */
        .nouns = {
            "gold ring|engagement ring|diamond ring|silver ring|wedding bands|signet ring|pearl ring|stacking rings|ruby ring|"
            "birthstone ring|ring box|sapphire ring",
            "necklace|pearl necklace|gold chain|pendant|earrings|bracelet|silver bangle|diamond earrings|charm bracelet|anklet|brooch|"
            "jade pendant",
            "wrist watch|automatic watch|diving watch|leather strap watch|pocket watch|chronograph|watch box|watch winder|ladies watch|"
            "quartz watch|moonphase watch|watch bracelet",
            "handbag|leather tote bag|clutch purse|shoulder bag|crossbody bag|leather wallet|briefcase|evening bag|card holder|coin purse|"
            "designer handbag|bucket bag"},
        .traits = "with real diamonds|in sterling silver|in eighteen carat gold|with engraving|for anniversaries|in gift box|"
                  "with sapphire crystal|in calf leather|for proposals|with freshwater pearls"},
    { /* beauty */
        .nouns = {
            "face cream|moisturizer|sunscreen|face serum|cleansing foam|sheet mask|eye cream|toner|body lotion|lip balm|face oil|"
            "exfoliating scrub",
            "lipstick|mascara|foundation makeup|eyeshadow palette|eyeliner|nail polish|blush|makeup brushes|concealer|setting powder|"
            "false lashes|brow pencil",
            "shampoo|hair conditioner|hair dryer|hair straightener|curling iron|hair dye|hair mask|hair oil|hair brush|dry shampoo|"
            "hair clipper|beard trimmer",
            "perfume|eau de toilette|cologne|body mist|scented candle|bath bombs|shower gel|hand cream|soap bar|deodorant|fragrance set|"
            "bath salts"},
        .traits = "for dry skin|for sensitive skin|with vitamin c|with rose extract|long lasting|with aloe|for oily hair|cruelty free|"
                  "with argan oil|for a glowing complexion"},
    { /* baby */
        .nouns = {
            "diapers|baby bottle|baby formula|wet wipes|bottle warmer|breast pump|baby food pouch|pacifier|bib|baby spoon|milk powder|"
            "training potty",
            "stroller|pushchair|baby car seat|baby carrier|travel crib|high chair|baby sling|pram|baby bouncer|playpen|baby walker|"
            "booster seat",
            "baby romper|newborn socks|baby hat|toddler pyjamas|baby bodysuit|swaddle blanket|toddler shoes|baby sleeping sack|"
            "kids raincoat|baby mittens|christening gown|baby leggings",
            "rattle|teether|stuffed bear|stacking rings toy|baby gym|wooden blocks|bath toys|baby mobile|toddler tricycle|doll house|"
            "picture book|play dough"},
        .traits = "for newborns|for toddlers|for tender skin|for new parents|from six months|with safety belt|for little hands|bpa free|"
                  "for nursery|for the first birthday"},
    { /* pets */
        .nouns = {
            "dog food|dog leash|dog bed|dog collar|puppy treats|dog bowl|chew bone|dog harness|dog coat|puppy pads|dog crate|dog toy",
            "cat food|cat litter|cat tree|scratching post|litter box|cat carrier|catnip|kitten milk|cat tunnel|cat fountain|feather wand|"
            "kitten food",
            "aquarium|fish tank|fish food|aquarium filter|aquarium plants|goldfish bowl|terrarium|turtle food|water heater for fish|"
            "aquarium gravel|reptile lamp|coral decoration",
            "bird cage|hamster wheel|rabbit hutch|guinea pig hay|bird seed|parrot toy|hamster cage|pet brush|pet shampoo|flea collar|"
            "pet insurance|rabbit food"},
        .traits = "for large breeds|for kittens|for picky eaters|for shiny fur|vet approved|with real chicken|for senior dogs|"
                  "for furry friends|against fleas|grain free"},
    { /* food */
        .nouns = {
            "coffee beans|green tea|espresso capsules|black tea|jasmine tea|ground coffee|oolong tea|instant coffee|herbal tea|hot chocolate|"
            "matcha powder|orange juice",
            "dark chocolate|potato chips|cookies|mixed nuts|gummy bears|popcorn|rice crackers|dried mango|beef jerky|candy|pistachios|"
            "granola bars",
            "instant noodles|basmati rice|pasta|olive oil|soy sauce|flour|breakfast cereal|honey|peanut butter|tomato sauce|oatmeal|"
            "frozen dumplings",
            "fresh apples|strawberries|salmon fillet|king prawns|red wine|craft beer|cheese platter|beef steak|ham|organic eggs|cherries|"
            "yoghurt"},
        .traits = "with less sugar|from organic farms|with rich aroma|in family pack|freshly roasted|for breakfast|spicy|gluten free|"
                  "from the harvest|for snack time"},
    { /* health */
        .nouns = {
            "vitamin tablets|fish oil capsules|probiotics|protein powder|calcium tablets|iron supplement|melatonin|multivitamin|collagen drink|"
            "zinc lozenges|magnesium tablets|herbal extract",
            "blood pressure monitor|thermometer|first aid kit|pulse oximeter|face masks|wheelchair|hearing aid|glucose meter|knee brace|"
            "bandages|nebulizer|crutches",
            "massage gun|massage chair|foot massager|neck massager|heating pad|acupressure mat|massage oil|eye massager|back massager|"
            "posture corrector|heat patches|massage cushion",
            "electric toothbrush|toothpaste|dental floss|mouthwash|water flosser|contact lenses|eye drops|reading glasses|whitening strips|"
            "toothbrush heads|lens solution|tongue scraper"},
        .traits = "for immune support|doctor recommended|against back pain|for better sleep|for joints|for seniors|clinically tested|"
                  "for gums|relieves tension|for the medicine cabinet"},
    { /* cars */
        .nouns = {
            "winter tyres|summer tyres|alloy wheels|tyre inflator|snow chains|wheel covers|brake pads|tyre pressure gauge|car jack|"
            "wheel nuts|all season tyres|shock absorbers",
            "car seat covers|car floor mats|steering wheel cover|car air freshener|sunshade|boot organizer|car phone mount|car vacuum|"
            "headrest cushion|car trash bin|roof box|car cover",
            "dash cam|car stereo|navigation system|parking sensor|car battery|jump starter|car speaker|reversing camera|car alarm|"
            "headlight bulbs|obd scanner|electric car charger",
            "motor oil|car wax|wiper blades|car shampoo|antifreeze|windscreen cleaner|car polish|spark plugs|oil filter|"
            "scratch remover|car insurance|pressure washer"},
        .traits = "for your sedan|for long drives|for suv owners|for winter roads|easy to fit in the garage|for motorway safety|"
                  "for diesel engines|for dusty dashboards|for drivers|with parking guard"},
    { /* travel */
        .nouns = {
            "flight tickets|return flight|business class flight|airport transfer|last minute flight|airline miles|train tickets|rail pass|"
            "flight to paris|flight to tokyo|car rental|bus tickets",
            "beach hotel|city hotel|hotel voucher|holiday apartment|mountain lodge|bed and breakfast|spa hotel|hostel bed|seaside resort|"
            "family hotel|villa rental|ryokan stay",
            "guided tour|city sightseeing|cruise|safari|theme park tickets|museum pass|island hopping tour|wine tasting tour|"
            "package holiday|honeymoon trip|desert excursion|northern lights tour",
            "suitcase|carry on luggage|travel backpack|luggage scale|neck pillow|passport holder|packing cubes|luggage tags|travel insurance|"
            "duffel bag|toiletry bag|travel guide"},
        .traits = "for summer holidays|with sea view|for two nights|with free cancellation|for families abroad|for city breaks|"
                  "with all meals|for frequent flyers|with airport pickup|for your vacation"},
    { /* music */
        .nouns = {
            "acoustic guitar|electric guitar|guitar strings|bass guitar|ukulele|guitar amplifier|guitar picks|guitar capo|effects pedal|"
            "classical guitar|guitar stand|guitar case",
            "digital piano|upright piano|synthesizer|piano stool|midi keyboard|grand piano|accordion|piano sheet music|organ|"
            "keyboard stand|sustain pedal|piano lessons",
            "drum kit|drumsticks|cajon|cymbals|electronic drums|snare drum|bongos|drum stool|practice pad|djembe|tambourine|xylophone",
            "violin|cello|flute|saxophone|trumpet|clarinet|harmonica|violin bow|recorder flute|guzheng|music stand|metronome"},
        .traits = "for beginners on stage|for musicians|with warm tone|for band rehearsal|for orchestras|with songbook|for recording|"
                  "with maple neck|for concert halls|in perfect tune"},
    },
    .adjectives = "lightweight|durable|classic|modern|portable|premium|compact|simple|elegant|handmade|everyday|professional|affordable|"
                  "popular|small|large|new|vintage|practical|quality|smart|sturdy|stylish|original|handy|reliable|favourite|colourful|"
                  "comfortable|beautiful",
    .offers = {{"half price", .5}, {"on sale", .35}, {"best seller", .3}, {"free shipping", .25},
               {"limited offer", .15}, {"new arrival", .1}, {"preorder", -.3}, {"refurbished", -.45}},
};
/* clang-format on */
