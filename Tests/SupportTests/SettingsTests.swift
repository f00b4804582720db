import Support
import Testing

struct SettingsTests {
    @Test func filesGoToTheOutputFolder() {
        var settings = Settings()
        #expect(settings.outputPath("a.png") == "a.png")
        settings.outputFolder = "out"
        #expect(settings.outputPath("a.png") == "out/a.png")
        #expect(settings.outputPath("/tmp/a.png") == "/tmp/a.png")
        settings.outputFolder = "out/"
        #expect(settings.outputPath("b/a.png") == "out/b/a.png")
    }
}
